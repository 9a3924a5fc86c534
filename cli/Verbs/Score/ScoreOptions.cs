using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Score;

/// <summary>The options of <c>score</c>.</summary>
internal sealed record ScoreOptions : IChecked
{
    [Argument("SCORER", "A run, the folder of its exported files, or a scorer.onnx.")]
    public string Scorer { get; init; } = "";

    [Group]
    public ImageSelection Images { get; init; } = new();

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [Option(Topic.Score, "The score that outliers are found by, and that a .npy holds. If left out, that of the threshold in scorer.onnx, else the negative ELBO, or the distortion of a model without one."), Among<ScoreChoices>]
    public string? Score { get; init; }

    [Option(Topic.Score, "Samples of the latents per image, a multiple of those that the scorer takes at a time. If left out, those of the threshold, else as many as it takes at a time."), Between(1, BetweenAttribute.LargestCount)]
    public int? Samples { get; init; }

    [Option(Topic.Score, "Mark images as outliers whose score is above that of this share of the run's validation images, as in 0.99; scorer.onnx keeps the threshold."), Share]
    public double? Threshold { get; init; }

    [Option(Topic.Score, "Also write the distortion of each value: a .npy of Float32 [N, C, H, W], or a folder or .tar of pictures, each from its smallest value, black, to its largest one, white.")]
    public string? Map { get; init; }

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Group]
    public ScoreJobOptions Job { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) =>
        Threshold is not null && Given.Mask is not null ? ["--threshold cannot be given with --mask: it is found with a random hole in each image."]
        : Map is null ? []
        : new JobPaths(Map, default) is { IsPicture: true } or { IsTable: true } ? [$"--map is '{Map}'; maps go to a folder, a .npy or a .tar."]
        : Path.GetFullPath(Map) == Path.GetFullPath(Job.Out) ? [$"--map and --out are both '{Map}': give two files."]
        : [];
}

