using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Colorize;

/// <summary>The options of <c>colorize</c>.</summary>
internal sealed record ColorizeOptions
{
    [Argument("RUN", "A run of --model colorization, the folder of its exported files, or a colorizer.onnx.")]
    public string Run { get; init; } = "";

    [Group]
    public ImageSelection Images { get; init; } = new() { Split = "all" };

    [Option(Topic.Images, "How many, from the first; all, if left out."), AtLeast(1)]
    public int? Count { get; init; }

    [Option(Topic.Images, "Ways to color each image."), Between(1, 1000)]
    public int Samples { get; init; } = 3;

    [Option(Topic.Images, "Draw the color of each pixel, instead of the mean color of its segment.")]
    public bool Noise { get; init; }

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Option(Topic.Output, "A folder, new or empty: NAME-1.png and so on, and NAME-segments.png.", IsRequired = true)]
    public string Out { get; init; } = "";

    [Group]
    public ExecutionOptions Execution { get; init; } = new();
}
