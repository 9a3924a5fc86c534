using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Traverse;

/// <summary>The options of <c>traverse</c>.</summary>
internal sealed record TraverseOptions : IChecked
{
    [Argument("DIR", "A run, or the folder of its decoder.onnx, and of encoder.onnx if an image is given.")]
    public string Model { get; init; } = "";

    [Group]
    public StartImages Images { get; init; } = new() { Split = "test" };

    [Option(Topic.Data, "That image: its number or name in --data (the first, if left out), or an image file.")]
    public string? Image { get; init; }

    [Option(Topic.Latents, "Which latents, as in 0,3,5; all, if left out.")]
    public string? Latents { get; init; }

    [Option(Topic.Latents, "Values go from -RANGE to RANGE."), Positive]
    public double Range { get; init; } = 3;

    [Option(Topic.Latents, "Values of each latent."), Between(2, 1000)]
    public int Steps { get; init; } = 9;

    [Option(Topic.Output, "A picture with a line per latent (.png, .jpg, .webp), a .npy, or a folder for PNG files.", IsRequired = true)]
    public string Out { get; init; } = "";

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [Group]
    public ExecutionOptions Execution { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => ImageLines.FindFaults(Out);

    /// <summary>The images that the starting point is selected from.</summary>
    internal sealed record StartImages : ImageSelection, IChecked
    {
        [Option(Topic.Data, "Start from an image of these, instead of from all latents 0.")]
        public override string? Data { get; init; }

        /// <inheritdoc/>
        public IEnumerable<string> FindFaults(GivenOptions given) => FaultsWithoutData(given);
    }
}
