using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Batch;

/// <summary>A job that writes a table.</summary>
internal sealed record TableJobOptions : JobOptions
{
    [Option(Topic.Output, "The copy, with the ending of --data; each shard has a file of its own, FILE-I-of-N.csv.", IsRequired = true)]
    public string Out { get; init; } = "";

    /// <inheritdoc/>
    protected override string Destination => Out;

    /// <inheritdoc/>
    public override IEnumerable<string> FindFaults(GivenOptions given) =>
        [.. base.FindFaults(given), .. Out.Length > 0 && !Paths.IsTable ? [$"--out is '{Out}'; tables go to a .csv, a .tsv or a .parquet."] : Array.Empty<string>()];
}
