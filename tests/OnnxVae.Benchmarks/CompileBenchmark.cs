using System.Diagnostics;
using System.Text.Json;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Models;
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
/// <param name="WritingMilliseconds">Passes, ordering, naming, and the file.</param>
/// <param name="TotalMilliseconds">All three.</param>
public sealed record CompileResult(
    int Layers, int Operators, double LoweringMilliseconds, double DifferentiationMilliseconds, double WritingMilliseconds, double TotalMilliseconds);

/// <summary>What compiling a model took, without building its networks.</summary>
/// <param name="Name">The model.</param>
/// <param name="Operators">Nodes of the training step.</param>
/// <param name="Step">Modules to the files of the training step.</param>
/// <param name="Package">Modules to a package: also evaluation, encoder, decoder, and the states before the first step.</param>
public sealed record ModelCompileResult(string Name, int Operators, CompileTimes Step, CompileTimes Package);

/// <summary>Times of the same in one process.</summary>
/// <param name="First">The first time, with what a new process loads and compiles of itself, ms.</param>
/// <param name="Again">Median of the times after, ms.</param>
public sealed record CompileTimes(double First, double Again);

/// <summary>How long training steps take to compile: of the models, and over the number of layers.</summary>
internal static class CompileBenchmark
{
    private const int Channels = 16, Size = 16, Batch = 8, Repetitions = 5;

    /// <summary>Compiles networks of growing depth; of several repetitions the one of median time counts.</summary>
    public static IEnumerable<CompileResult> OfDepths(IEnumerable<int> depths)
    {
        Compile(depth: 2); // so that the code is compiled itself
        foreach (int depth in depths)
        {
            var results = Enumerable.Range(0, Repetitions).Select(_ => Compile(depth)).OrderBy(result => result.TotalMilliseconds).ToArray();
            yield return results[Repetitions / 2];
        }
    }

    /// <summary>Compiles models, the step and the package each in a new process.</summary>
    public static IEnumerable<ModelCompileResult> OfModels(IEnumerable<BenchmarkModel> models) => models.Select(model =>
    {
        var step = model.Compile().Compile();
        return new ModelCompileResult(model.Name, step.Model.OperatorCounts.Values.Sum(), TimesOf("step"), TimesOf("package"));

        CompileTimes TimesOf(string what) => JsonSerializer.Deserialize<CompileTimes>(OwnProcess.Run("compile-alone", model.Name, what))!;
    });

    /// <summary>Compiles a model's step or package several times, and prints the times as JSON.</summary>
    public static void PrintTimes(BenchmarkModel model, string what)
    {
        using var vae = model.Build();
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            double[] times = [.. Enumerable.Range(0, 1 + Repetitions).Select(_ => Stopwatches.Time(() => Compile(model.Compiler(vae), what, folder)))];
            Console.WriteLine(JsonSerializer.Serialize(new CompileTimes(times[0], Stopwatches.Median(times[1..]))));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compile(PackageCompiler compiler, string what, string folder)
    {
        if (what == "package")
        {
            compiler.Write(folder);
            return;
        }

        var step = compiler.Step().Compile();
        step.Model.Save(Path.Combine(folder, step.Spec.File));
        step.WithoutMetrics!.Save(Path.Combine(folder, step.Spec.FileWithoutMetrics!));
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
