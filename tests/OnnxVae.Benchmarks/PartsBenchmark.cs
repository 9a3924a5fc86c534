using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Runtime;
using OnnxVae.Training.Steps;

namespace OnnxVae.Benchmarks;

/// <summary>A training step in two programs against the same in one; medians.</summary>
/// <param name="Name">The model.</param>
/// <param name="FusedMilliseconds">The step in one program.</param>
/// <param name="SplitMilliseconds">The step in two programs, on the same batch as a whole.</param>
public sealed record SplitResult(string Name, double FusedMilliseconds, double SplitMilliseconds)
{
    /// <summary>How much longer two programs take.</summary>
    public double Ratio => SplitMilliseconds / FusedMilliseconds;
}

/// <summary>Two processes, each with half a batch, against one process with half a batch; medians.</summary>
/// <param name="Name">The model.</param>
/// <param name="AloneMilliseconds">A step of one process, with nothing else on the machine.</param>
/// <param name="BesideMilliseconds">A step of two processes at the same time that have nothing to do with each other: what the machine can do.</param>
/// <param name="TogetherMilliseconds">A step of two that train one model.</param>
/// <param name="ReducingMilliseconds">Of that, the time in which they add up gradients, and wait for each other.</param>
public sealed record RanksResult(string Name, double AloneMilliseconds, double BesideMilliseconds, double TogetherMilliseconds, double ReducingMilliseconds)
{
    /// <summary>How much longer a step takes than that of one process alone.</summary>
    public double OverAlone => TogetherMilliseconds / AloneMilliseconds;

    /// <summary>How much longer a step takes than that of two processes that have nothing to do with each other.</summary>
    public double OverBeside => TogetherMilliseconds / BesideMilliseconds;
}

/// <summary>What it costs to compute batches in parts.</summary>
internal static partial class PartsBenchmark
{
    private const int BlockSteps = 10, Images = 4096;
    private const double Seconds = 6; // of a process

    /// <summary>Times both forms of a step in alternation.</summary>
    public static IEnumerable<SplitResult> Split(IEnumerable<BenchmarkModel> models, int threads, int blocks) => models.Select(model => InPackage(model, model.Batch, package =>
    {
        using Stepping fused = new(package, model, (states, _) => new FusedStepRunner(package, states, threads)), split = new(package, model, (states, plan) => new SplitStepRunner(package, plan, states, threads, ProcessGroup.Single));
        List<double> fusedTimes = [], splitTimes = [];
        for (int block = 0; block < blocks; block++)
        {
            fusedTimes.AddRange(Stopwatches.Time(fused.Run, BlockSteps));
            splitTimes.AddRange(Stopwatches.Time(split.Run, BlockSteps));
        }

        return new SplitResult(model.Name, Stopwatches.Median(fusedTimes), Stopwatches.Median(splitTimes));
    }));

    /// <summary>Times one process alone, two side by side and two together in alternation, each with one thread.</summary>
    public static IEnumerable<RanksResult> Ranks(IEnumerable<BenchmarkModel> models, int blocks)
    {
        foreach (var model in models)
        {
            List<double> alone = [], beside = [];
            var together = new List<(double Step, double Reducing)>();
            long steps = (long)(Seconds * 1000 / Measure(ranks: 1, steps: 20).Step);
            for (int block = 0; block < blocks; block++)
            {
                alone.Add(Measure(ranks: 1, steps).Step);
                beside.Add(Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => Measure(ranks: 1, steps).Step))).GetAwaiter().GetResult().Average());
                together.Add(Measure(ranks: 2, steps));
            }

            yield return new RanksResult(
                model.Name, Stopwatches.Median(alone), Stopwatches.Median(beside), Stopwatches.Median(together.Select(each => each.Step)), Stopwatches.Median(together.Select(each => each.Reducing)));

            (double Step, double Reducing) Measure(int ranks, long steps)
            {
                string[] own = ["rank-steps", model.Name, $"{steps}"];
                string output = ranks == 1 ? OwnProcess.Run(own) : OwnProcess.RunWith("mpirun", ["-n", $"{ranks}", "--oversubscribe", "--bind-to", "none"], own);
                var numbers = Numbers().Match(output); // a launcher's terminal may add to the line
                return (Number("step"), Number("reducing"));

                double Number(string name) => double.Parse(numbers.Groups[name].ValueSpan, CultureInfo.InvariantCulture);
            }
        }
    }

    /// <summary>Takes steps on half a batch, in a process that may be one of several, and prints the milliseconds of a step, and of adding up in it.</summary>
    public static void PrintRankSteps(BenchmarkModel model, long steps)
    {
        using ProcessGroup group = MpiGroup.IsLaunched ? MpiGroup.Join() : ProcessGroup.Single;
        int part = model.Batch / 2;
        InPackage(model with { Batch = part * group.Size }, part, package =>
        {
            using var stepping = new Stepping(package, model, (states, plan) => new SplitStepRunner(package, plan, states, threads: 1, group), group);
            for (int i = 0; i < BlockSteps; i++)
            {
                stepping.Run();
            }

            var before = stepping.ReducingTime;
            var time = Stopwatch.StartNew();
            for (long i = 0; i < steps; i++)
            {
                stepping.Run();
            }

            double elapsed = time.Elapsed.TotalMilliseconds;
            if (group.Rank == 0)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{elapsed / steps:F4} {(stepping.ReducingTime - before).TotalMilliseconds / steps:F4}"));
            }

            return true;
        });
    }

    [GeneratedRegex(@"(?<step>\d+\.\d{4}) (?<reducing>\d+\.\d{4})")]
    private static partial Regex Numbers();

    private static T InPackage<T>(BenchmarkModel model, int partSize, Func<TrainingPackage, T> measure)
    {
        var folder = Directory.CreateTempSubdirectory("onnxvae-parts-");
        try
        {
            using var vae = model.Build();
            return measure(model.Compiler(vae).Write(folder.FullName, partSize: partSize));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Steps as a trainer takes them, without log and checkpoints.
    private sealed class Stepping : IDisposable
    {
        private readonly StateBuffers states;
        private readonly IStepRunner runner;
        private readonly Training.Data.BatchPipeline batches;
        private long step;

        public Stepping(TrainingPackage package, BenchmarkModel model, Func<StateBuffers, BatchPlan, IStepRunner> load, ProcessGroup? group = null)
        {
            states = new StateBuffers(package, OnnxDevice.Cpu, package.Manifest.Step.Updates);
            states.Load(package.ReadInitialStates());
            runner = load(states, BatchPlan.For(package, processes: group?.Size ?? 1));
            batches = runner.Prepare(new RandomImages(model.Image, Images, seed: 1), seed: 1, 1, long.MaxValue, augmentation: null);
        }

        public TimeSpan ReducingTime => runner.ReducingTime;

        public void Run() => runner.Run(batches, ++step, withMetrics: false, stop: false);

        public void Dispose()
        {
            batches.DisposeAsync().AsTask().GetAwaiter().GetResult();
            runner.Dispose();
            states.Dispose();
        }
    }
}
