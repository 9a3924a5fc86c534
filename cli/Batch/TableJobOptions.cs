using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Batch;

/// <summary>A job that writes a table.</summary>
internal sealed record TableJobOptions : JobOptions
{
    [Option(Topic.Output, "A .csv for text, or a .parquet, as the table of --data; each shard has a file of its own, FILE-I-of-N.csv.", IsRequired = true)]
    public string Out { get; init; } = "";

    /// <inheritdoc/>
    protected override string Destination => Out;

    /// <inheritdoc/>
    public override IEnumerable<string> FindFaults(GivenOptions given) =>
        [.. base.FindFaults(given), .. Out.Length > 0 && Paths.Extension is not (JobPaths.CsvExtension or JobPaths.ParquetExtension) ? [$"--out is '{Out}'; tables go to a .csv or a .parquet."] : Array.Empty<string>()];
}
