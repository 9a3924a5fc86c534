using OnnxVae.Format;
using TorchSharp;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Benchmarks;

/// <summary>A model whose training step is timed in both libraries.</summary>
/// <param name="Name">A letter, as in the tables.</param>
/// <param name="Description">What it is.</param>
/// <param name="Image">The images' shape.</param>
/// <param name="Batch">Images per step.</param>
internal abstract record StepModel(string Name, string Description, ExampleShape Image, int Batch)
{
    public const double LearningRate = 1e-3;

    public static IReadOnlyList<StepModel> All { get; } = [.. BenchmarkModel.All, .. CodesModel.All];

    /// <summary>The compiled step, always with the same weights.</summary>
    public abstract GraphProgram Compile();

    /// <summary>The same step in TorchSharp.</summary>
    public abstract TorchStep CreateTorchStep();

    /// <summary>The pixels of a batch, the same at every call.</summary>
    public byte[] Images()
    {
        var images = new byte[Batch * Image.Dimensions];
        new Random(1).NextBytes(images);
        return images;
    }

    /// <summary>The same as TorchSharp has them, UInt8 [N, C, H, W].</summary>
    public torch.Tensor TorchImages() => torch.tensor(Images(), dtype: torch.uint8).reshape(Batch, Image.Channels, Image.Height, Image.Width);

    /// <summary>The random numbers that a step takes.</summary>
    public static IEnumerable<InputSpec> NoiseOf(GraphProgram program) =>
        program.Inputs.Select(input => input.Spec).Where(input => input.Role is InputRole.StandardNormal or InputRole.Uniform);

    private protected static void Seed() => torch.random.manual_seed(1);
}
