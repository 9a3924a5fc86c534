using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Interpolate;

/// <summary>The options of <c>interpolate</c>.</summary>
internal sealed record InterpolateOptions : IChecked
{
    public const string Spherical = "spherical";
    public const string Linear = "linear";

    [Argument("DIR", "A run, or the folder of its encoder.onnx and decoder.onnx.")]
    public string Model { get; init; } = "";

    [Group]
    public EndImages Images { get; init; } = new() { Split = "test" };

    [Option(Topic.Images, "The first image: its number or name in --data, or an image file.")]
    public string From { get; init; } = "0";

    [Option(Topic.Images, "The last image, likewise.")]
    public string To { get; init; } = "1";

    [Option(Topic.Images, "Images, both ends among them."), Between(2, 10_000)]
    public int Steps { get; init; } = 9;

    [Option(Topic.Latents, "Around the origin, or straight."), Among(Spherical, Linear)]
    public string Path { get; init; } = Spherical;

    [Option(Topic.Output, "A picture with all of them in a line (.png, .jpg, .webp), a .npy, or a folder for PNG files.", IsRequired = true)]
    public string Out { get; init; } = "";

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [Group]
    public ExecutionOptions Execution { get; init; } = new();

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => ImageLines.FindFaults(Out);

    /// <summary>The images that both ends are selected from.</summary>
    internal sealed record EndImages : ImageSelection, IChecked
    {
        [Option(Topic.Data, "Images that --from and --to name.")]
        public override string? Data { get; init; }

        /// <inheritdoc/>
        public IEnumerable<string> FindFaults(GivenOptions given) => FaultsWithoutData(given);
    }
}
