using System.Diagnostics;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;
using Adam = OnnxVae.Exporters.Optimizers.Adam;
using GraphProgram = OnnxVae.Exporters.Programs.Program;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Benchmarks;

/// <summary>What compiling one network took.</summary>
/// <param name="Layers">Convolutions, each with batch normalization and ReLU.</param>
/// <param name="Operators">Nodes of the training step.</param>
/// <param name="LoweringMilliseconds">Modules to graph.</param>
/// <param name="DifferentiationMilliseconds">Gradients and optimizer.</param>
/// <param name="WritingMilliseconds">Expansion, ordering, naming, and the file.</param>
/// <param name="TotalMilliseconds">All three.</param>
public sealed record CompileResult(
    int Layers, int Operators, double LoweringMilliseconds, double DifferentiationMilliseconds, double WritingMilliseconds, double TotalMilliseconds);

/// <summary>How long a training step takes to compile, over the number of layers.</summary>
internal static class CompileBenchmark
{
    private const int Channels = 16, Size = 16, Batch = 8, Repetitions = 5;

    /// <summary>Compiles networks of growing depth; of several repetitions the one of median time counts.</summary>
    public static IEnumerable<CompileResult> Run(IEnumerable<int> depths)
    {
        Compile(depth: 2); // so that the code is compiled itself
        foreach (int depth in depths)
        {
            var results = Enumerable.Range(0, Repetitions).Select(_ => Compile(depth)).OrderBy(result => result.TotalMilliseconds).ToArray();
            yield return results[Repetitions / 2];
        }
    }

    private static CompileResult Compile(int depth)
    {
        using var network = Network(depth);
        using var criterion = MSELoss();
        string file = Path.GetTempFileName();
        try
        {
            var clock = Stopwatch.StartNew();
            var training = new ModuleLowering(network).ForTraining();
            var x = ProgramInput.Data("x", ElementType.Float32, [Batch, Channels, Size, Size]);
            var loss = training.Lower(criterion, training.Lower(network, x.Value), x.Value);
            double lowered = clock.Elapsed.TotalMilliseconds;

            GraphProgram program = new TrainingStep(loss, training.States, new Adam(new ConstantSchedule(1e-3)))
            {
                Inputs = [x],
                Updates = training.Updates,
            }.ToProgram();
            double differentiated = clock.Elapsed.TotalMilliseconds;

            var model = program.Compile().Model;
            model.Save(file);
            double total = clock.Elapsed.TotalMilliseconds;
            return new CompileResult(depth, model.OperatorCounts.Values.Sum(), lowered, differentiated - lowered, total - differentiated, total);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Sequential Network(int depth) => Sequential(
        Enumerable.Range(0, depth).Select(i => ($"{i}", (LayerModule)Sequential(
            Conv2d(Channels, Channels, 3, padding: 1, bias: false), BatchNorm2d(Channels), ReLU()))));
}
