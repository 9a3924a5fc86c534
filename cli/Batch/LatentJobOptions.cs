using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Batch;

/// <summary>A job that writes latents.</summary>
internal sealed record LatentJobOptions : JobOptions
{
    [Option(Topic.Output, "A .npy of Float32, with the images' names in FILE.names.txt, or a .parquet with both; each shard has a file of its own, FILE-I-of-N.npy.", IsRequired = true)]
    public string Out { get; init; } = "";

    /// <inheritdoc/>
    protected override string Destination => Out;

    /// <inheritdoc/>
    public override IEnumerable<string> FindFaults(GivenOptions given) =>
        [.. base.FindFaults(given), .. Out.Length > 0 && Paths.Extension is not (JobPaths.NpyExtension or JobPaths.ParquetExtension) ? [$"--out is '{Out}'; latents go to a .npy or a .parquet."] : Array.Empty<string>()];
}
