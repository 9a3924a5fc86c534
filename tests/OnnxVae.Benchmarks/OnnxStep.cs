using OnnxVae.Inference;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Benchmarks;

/// <summary>The compiled training step on ONNX Runtime.</summary>
internal sealed class OnnxStep : IDisposable
{
    private readonly ProgramRunner runner;
    private long step;

    public OnnxStep(BenchmarkModel model, int threads)
    {
        using var vae = model.Build();
        runner = new ProgramRunner(model.Compile(vae), OnnxDevice.Cpu, threads);
        model.Images().CopyTo(runner.Input<byte>("images"));
    }

    /// <summary>Draws the noise of the next step.</summary>
    public ReadOnlySpan<float> DrawNoise()
    {
        runner.FillNoise(seed: 1, ++step);
        return runner.Input<float>("eps");
    }

    /// <summary>Runs the step.</summary>
    public void Run() => Run(withMetrics: false);

    /// <summary>Runs the step; gives the loss.</summary>
    public float RunWithLoss()
    {
        Run(withMetrics: true);
        return runner.Metric("loss")[0];
    }

    /// <inheritdoc/>
    public void Dispose() => runner.Dispose();

    private void Run(bool withMetrics)
    {
        runner.FillSchedules(step);
        runner.Run(withMetrics);
    }
}
