using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Runtime;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Support;

/// <summary>Runs a program step by step, with whole arrays as inputs and metrics.</summary>
internal sealed class StepRunner(GraphProgram program, CompilationTarget? target = null) : IDisposable
{
    private readonly ProgramRunner runner = new(program.Compile(target), OnnxDevice.Cpu, threads: 2);
    private long step;

    public float[] State(string name) => runner.States.Snapshot()[name].As<float>().ToArray();

    /// <summary>Runs a step on its data, in the order of the program's data inputs.</summary>
    /// <returns>The metrics, by name.</returns>
    public Dictionary<string, float[]> Run(params Array[] data)
    {
        runner.FillSchedules(++step);
        runner.FillNoise(seed: 1, step);
        foreach (var (input, values) in program.Inputs.Where(input => input.Spec.Role == InputRole.Data).Zip(data))
        {
            if (input.Spec.Type == ElementType.Int64)
            {
                ((long[])values).CopyTo(runner.Input<long>(input.Spec.Name));
            }
            else
            {
                ((float[])values).CopyTo(runner.Input<float>(input.Spec.Name));
            }
        }

        runner.Run();
        return program.Metrics.ToDictionary(metric => metric.Name, metric => runner.Metric(metric.Name).ToArray());
    }

    public void Dispose() => runner.Dispose();
}
