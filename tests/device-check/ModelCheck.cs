using System.Diagnostics;
using System.Security.Cryptography;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;

namespace OnnxVae.DeviceCheck;

/// <summary>Trains a package and serves its decoder on a device.</summary>
/// <param name="device">The device.</param>
/// <param name="duration">How long each figure is measured.</param>
/// <param name="steps">Steps whose losses are compared.</param>
internal sealed class ModelCheck(OnnxDevice device, TimeSpan duration, int steps)
{
    private const string GraphOption = "enable_cuda_graph";

    // A device in software takes seconds for what a GPU does in milliseconds.
    private readonly int stepsAtATime = device.Provider == "cuda" ? 20 : 1, imagesAtATime = device.Provider == "cuda" ? 1024 : 4, warmUps = device.Provider == "cuda" ? 3 : 1;

    /// <summary>Finds out about a package.</summary>
    public ModelResult Run(string name, TrainingPackage package)
    {
        var program = package.Manifest.Step;
        var placement = OnnxSession.PlacementOf(package.PathOf(program.FileWithoutMetrics ?? program.File), device);
        double difference = Losses(package, device with { IsPrecise = true }).Zip(Losses(package, OnnxDevice.Cpu), Difference).Max();
        var unrecorded = device.Provider == "cuda" ? device with { Options = device.Options.SetItem(GraphOption, "0") } : device;
        var (single, peak) = Measure(package, unrecorded);
        bool canReplay = device.Replaying() != device;
        var (replayed, replayedPeak) = canReplay ? Measure(package, device) : (single, peak);
        bool? agrees = canReplay ? StatesAfter(package, device).SequenceEqual(StatesAfter(package, unrecorded)) : null;
        return new ModelResult(
            name, placement?.OnDevice, placement?.OnProcessor ?? [], difference, agrees, program.Images.Shape[0], single, canReplay ? replayed : null, Decode(package), Largest(peak, replayedPeak));
    }

    private static double Difference(double actual, double expected) => double.IsFinite(actual) ? Math.Abs(actual - expected) / Math.Abs(expected) : double.PositiveInfinity;

    private static double? Largest(double? one, double? other) => one is null || other > one ? other : one;

    private double[] Losses(TrainingPackage package, OnnxDevice where)
    {
        var program = package.Manifest.Step;
        string loss = program.Metrics.Single(metric => metric.Role == MetricRole.Loss).Name;
        using var states = new StateBuffers(package, where, program.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = new ProgramRunner(package, program, states, threads: 0);
        return [.. Enumerable.Range(1, steps).Select(step =>
        {
            Fill(runner, program, step);
            runner.Run();
            return (double)runner.Metric(loss)[0];
        })];
    }

    // After steps without metrics, the ones that are replayed.
    private byte[] StatesAfter(TrainingPackage package, OnnxDevice where)
    {
        var program = package.Manifest.Step;
        using var states = new StateBuffers(package, where, program.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = new ProgramRunner(package, program, states, threads: 0);
        for (int step = 1; step <= steps; step++)
        {
            Fill(runner, program, step);
            runner.Run(withMetrics: false);
        }

        return [.. states.Snapshot().OrderBy(state => state.Key, StringComparer.Ordinal).SelectMany(state => SHA256.HashData(state.Value.Data.Span))];
    }

    private (double Milliseconds, double? Megabytes) Measure(TrainingPackage package, OnnxDevice where)
    {
        var program = package.Manifest.Step;
        using var states = new StateBuffers(package, where, program.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = new ProgramRunner(package, program, states, threads: 0);
        Fill(runner, program, step: 1);
        double milliseconds = Median(() =>
        {
            for (int step = 0; step < stepsAtATime; step++)
            {
                runner.Run(withMetrics: false);
            }

            states.Memory.Synchronize();
        }) / stepsAtATime;
        return (milliseconds, DeviceStatus.MegabytesOfThisProcess());
    }

    private double? Decode(TrainingPackage package)
    {
        if (!package.Manifest.Deployables.ContainsKey("decoder"))
        {
            return null;
        }

        var model = RunExport.Bake(package, "decoder", package.ReadInitialStates());
        using var decoder = VaeDecoder.Load(model.ToBytes(), new VaeOptions { Device = device });
        var latents = new float[imagesAtATime * decoder.Metadata.LatentSize];
        Philox.FillStandardNormal(latents, seed: 1, stream: 1, position: 1);
        return imagesAtATime * 1000 / Median(() => decoder.Decode(latents));
    }

    private double Median(Action run)
    {
        for (int i = 0; i < warmUps; i++)
        {
            run();
        }

        var times = new List<double>();
        var all = Stopwatch.StartNew();
        while (times.Count == 0 || all.Elapsed < duration)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        return times[times.Count / 2];
    }

    private static void Fill(ProgramRunner runner, ProgramSpec program, int step)
    {
        new Random(step).NextBytes(runner.Input<byte>(program.Images.Name));
        runner.FillNoise(seed: 1, step);
        runner.FillSchedules(step);
    }
}
