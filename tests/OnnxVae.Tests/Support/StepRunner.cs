using OnnxVae.Exporters.Programs;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Support;

/// <summary>Runs a program step by step on ONNX Runtime, feeding its states back.</summary>
internal sealed class StepRunner(GraphProgram program) : IDisposable
{
    private readonly GraphSession session = new(program.Compile().Model);
    private readonly Dictionary<string, Array> states = program.States.ToDictionary(state => state.Spec.Name, state => GraphRunner.ToArray(state.Initial));
    private long step;

    public float[] State(string name) => (float[])states[name];

    /// <summary>Runs a step on its data, in the order of the program's inputs, without the scheduled ones.</summary>
    /// <returns>The metrics, by name.</returns>
    public Dictionary<string, float[]> Run(params Array[] data)
    {
        step++;
        var inputs = new Dictionary<string, Array>(states);
        foreach (var (input, values) in program.Inputs.Where(input => input.Spec.Role != InputRole.Schedule).Zip(data))
        {
            inputs[input.Spec.Name] = values;
        }

        foreach (var input in program.Inputs.Where(input => input.Spec.Role == InputRole.Schedule))
        {
            inputs[input.Spec.Name] = (float[])[(float)input.Spec.Schedule!.At(step)];
        }

        var outputs = session.Run(inputs);
        foreach (var update in program.Updates)
        {
            states[update.State.Spec.Name] = outputs[GraphProgram.NextName(update.State.Spec.Name)];
        }

        return program.Metrics.ToDictionary(metric => metric.Name, metric => (float[])outputs[metric.Name]);
    }

    public void Dispose() => session.Dispose();
}
