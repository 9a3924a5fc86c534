using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Batch;

/// <summary>A job that writes scores.</summary>
internal sealed record ScoreJobOptions : JobOptions
{
    [Option(Topic.Output, "A .csv or .parquet with the name of each image and all its scores, or a .npy of one score, Float32 [N], with the names in FILE.names.txt; each shard has a file of its own, FILE-I-of-N.csv.", IsRequired = true)]
    public string Out { get; init; } = "";

    /// <inheritdoc/>
    protected override string Destination => Out;

    /// <inheritdoc/>
    public override IEnumerable<string> FindFaults(GivenOptions given) =>
        [.. base.FindFaults(given), .. Out.Length > 0 && (!Paths.IsArray || Paths.Extension == JobPaths.TsvExtension) ? [$"--out is '{Out}'; scores go to a .csv, a .parquet or a .npy."] : Array.Empty<string>()];
}
