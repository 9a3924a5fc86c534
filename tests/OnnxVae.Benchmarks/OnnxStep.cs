using OnnxVae.Inference;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Benchmarks;

/// <summary>The compiled training step on ONNX Runtime.</summary>
internal sealed class OnnxStep : IDisposable
{
    private readonly ProgramRunner runner;
    private readonly string[] noise;
    private long step;

    public OnnxStep(StepModel model, int threads)
    {
        var program = model.Compile();
        noise = [.. StepModel.NoiseOf(program).Select(input => input.Name)];
        runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu, threads);
        model.Images().CopyTo(runner.Input<byte>("images"));
    }

    /// <summary>Draws the noise of the next step, by the names of the inputs.</summary>
    public IReadOnlyDictionary<string, float[]> DrawNoise()
    {
        runner.FillNoise(seed: 1, ++step);
        return noise.ToDictionary(name => name, name => runner.Input<float>(name).ToArray());
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
