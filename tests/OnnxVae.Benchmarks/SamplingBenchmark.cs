using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.CodePriors;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.VqVae;
using OnnxVae.Training.Runtime;
using TorchSharp;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Benchmarks;

/// <summary>Drawing grids of codes position by position, from what earlier positions left, against evaluating the whole grid for each of them.</summary>
/// <param name="Images">Images that advance together.</param>
/// <param name="StepwiseMilliseconds">For all codes of the images, by the median run.</param>
/// <param name="WholeMilliseconds">The same by whole evaluations: the median of one, times the positions of each level.</param>
/// <param name="Speedup">The second over the first.</param>
public sealed record SamplingResult(int Images, double StepwiseMilliseconds, double WholeMilliseconds, double Speedup);

/// <summary>Times the drawing of codes of two levels, 512 codes each.</summary>
internal static class SamplingBenchmark
{
    private const int Codes = 512;
    private static readonly string[] Classes = [.. Enumerable.Range(0, 10).Select(k => $"{k}")];

    /// <summary>Runs the comparison for each number of images.</summary>
    /// <param name="imageSize">The side of the images.</param>
    /// <param name="counts">How many of them advance together.</param>
    /// <param name="threads">Threads of whole evaluations.</param>
    /// <param name="blocks">Repetitions.</param>
    public static IEnumerable<SamplingResult> Run(int imageSize, IEnumerable<int> counts, int threads, int blocks)
    {
        torch.random.manual_seed(1);
        CodeGridShape[] grids = [Grid(QuantizedNetwork.TopStride), Grid(QuantizedNetwork.BottomStride)];
        using CodePrior top = new AttentionPrior(grids[0], Classes.Length), bottom = new GatedConvolutionPrior(grids[1], Codes, Classes.Length, depth: 4);
        string folder = Directory.CreateTempSubdirectory("onnxvae-benchmark-").FullName;
        try
        {
            Export([top, bottom], imageSize, folder);
            using var stepwise = Inference.TrainedCodePrior.Load(folder); // a thread per draw: further ones would wait for each other's crumbs
            foreach (int count in counts)
            {
                yield return Run(stepwise, top, bottom, count, threads, blocks);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        CodeGridShape Grid(int stride) => new(Codes, imageSize / stride, imageSize / stride);
    }

    private static SamplingResult Run(Inference.TrainedCodePrior stepwise, CodePrior top, CodePrior bottom, int count, int threads, int blocks)
    {
        using ProgramRunner wholeTop = Whole(top, count, threads), wholeBottom = Whole(bottom, count, threads);
        var latents = new float[count * stepwise.LatentSize];
        stepwise.Draw(1, 0, latents);
        var (times, topTimes, bottomTimes) = (new List<double>(), new List<double>(), new List<double>());
        for (int block = 0; block < blocks; block++)
        {
            times.AddRange(Stopwatches.Time(() => stepwise.Draw(1, 0, latents), runs: 3));
            topTimes.AddRange(Stopwatches.Time(() => wholeTop.Run(), runs: 3));
            bottomTimes.AddRange(Stopwatches.Time(() => wholeBottom.Run(), runs: 3));
        }

        double whole = (Stopwatches.Median(topTimes) * top.Grid.Positions) + (Stopwatches.Median(bottomTimes) * bottom.Grid.Positions);
        return new SamplingResult(count, Stopwatches.Median(times), whole, whole / Stopwatches.Median(times));
    }

    // The logits of all positions, as training computes them.
    private static ProgramRunner Whole(CodePrior prior, int count, int threads)
    {
        var lowering = new ModuleLowering(prior);
        var codes = ProgramInput.Data("codes", ElementType.Int64, [count, prior.Grid.Height, prior.Grid.Width]);
        var label = ProgramInput.Data("class", ElementType.Int64, [count]);
        var known = ProgramInput.Data("known", ElementType.Int64, [count, prior.Grid.Height / 2, prior.Grid.Width / 2]);
        var logits = prior.Logits(lowering, codes.Value, label.Value, known.Value);
        ProgramInput[] inputs = prior is AttentionPrior ? [codes, label] : [codes, label, known];
        var runner = new ProgramRunner(
            new GraphProgram("whole", inputs, lowering.States, [], [new Metric("logits", MetricRole.PerRow, logits)]).Compile(), OnnxDevice.Cpu, threads);
        foreach (var input in inputs)
        {
            runner.Input<long>(input.Spec.Name).Clear();
        }

        runner.Run();
        return runner;
    }

    private static void Export(CodePrior[] priors, int imageSize, string folder)
    {
        const int dimension = 8;
        using var vae = new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 8 }, new ExampleShape(3, imageSize, imageSize), dimension, hasTop: true);
        var options = new TrainingOptions { BatchSize = 1, Optimizer = new Adam(new ConstantSchedule(1e-3)) };
        var model = new VqVaeModel(vae, new GaussianLikelihood(1), new MovingAverageCodebook("bottom", Codes, dimension), new MovingAverageCodebook("top", Codes, dimension));
        var encoder = new PackageCompiler(model, options).Deployable("encoder").AnyRuntime;
        foreach (var (level, prior) in priors.Index())
        {
            var compiler = new PackageCompiler(new CodePriorModel(prior, encoder, [.. priors.Select(of => of.Grid)], level, Classes), options);
            var states = new ModuleLowering(prior).States.ToDictionary(state => state.Spec.Name, state => state.Initial);
            foreach (var (role, graph) in compiler.Deployables())
            {
                graph.AnyRuntime.Bake(states).Save(Path.Combine(folder, $"{role}.onnx"));
            }
        }
    }
}
