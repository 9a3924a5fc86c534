using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;
using OnnxVae.Inference.Internals;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Training.Runtime;

/// <summary>
/// The states of a model in two sets of buffers: a step reads one set and writes the other, then they are swapped. No
/// output ever overwrites an input.
/// </summary>
public sealed class StateBuffers : IDisposable
{
    private readonly Dictionary<string, OrtValue>[] sets;

    /// <summary>Allocates both sets.</summary>
    /// <param name="states">The states of the package.</param>
    /// <param name="updated">Names of the states that steps update; the others have one buffer.</param>
    public StateBuffers(IReadOnlyList<StateSpec> states, IEnumerable<string> updated)
    {
        Specs = states;
        var changing = updated.ToHashSet();
        var first = states.ToDictionary(state => state.Name, Allocate);
        var second = states.ToDictionary(state => state.Name, state => changing.Contains(state.Name) ? Allocate(state) : first[state.Name]);
        sets = [first, second];
    }

    /// <summary>The states of a program before its first run.</summary>
    public static StateBuffers Initial(CompiledProgram program)
    {
        var buffers = new StateBuffers(program.States, program.Spec.Updates);
        buffers.Load(program.Initial);
        return buffers;
    }

    /// <summary>The states.</summary>
    public IReadOnlyList<StateSpec> Specs { get; }

    /// <summary>Which set is current: 0 or 1.</summary>
    public int Parity { get; private set; }

    /// <summary>Makes the output of the last step the current states.</summary>
    public void Flip() => Parity = 1 - Parity;

    /// <summary>Sets the current states.</summary>
    /// <exception cref="InvalidDataException">A state is missing, or has another type or shape.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> tensors)
    {
        foreach (var spec in Specs)
        {
            if (!tensors.TryGetValue(spec.Name, out var tensor) || tensor.Type != spec.Type || tensor.Shape != spec.Shape)
            {
                throw new InvalidDataException(
                    $"State '{spec.Name}' is {(tensor is null ? "missing" : $"{tensor.Type} {tensor.Shape}")}, expected {spec.Type} {spec.Shape}: the states belong to another model.");
            }

            tensor.Data.Span.CopyTo(sets[Parity][spec.Name].GetTensorMutableRawData());
        }
    }

    /// <summary>Copies the current states.</summary>
    public IReadOnlyDictionary<string, Tensor> Snapshot() => Specs.ToDictionary(
        spec => spec.Name, spec => new Tensor(spec.Type, spec.Shape, sets[Parity][spec.Name].GetTensorMutableRawData().ToArray()));

    /// <summary>The name of the first state with a value that is not finite, as written by the last step; null if there is none.</summary>
    public string? FirstNotFinite() => Specs.FirstOrDefault(spec => spec.Type == ElementType.Float32
        && FiniteNumbers.IndexOfOther(sets[Parity][spec.Name].GetTensorDataAsSpan<float>()) >= 0)?.Name;

    /// <summary>The buffer of a state for a given parity.</summary>
    internal OrtValue Current(string name, int parity) => sets[parity][name];

    /// <summary>The buffer that a step writes a state to, for a given parity.</summary>
    internal OrtValue Next(string name, int parity) => sets[1 - parity][name];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in sets.SelectMany(set => set.Values).Distinct())
        {
            value.Dispose();
        }
    }

    /// <summary>A buffer of zeros.</summary>
    internal static OrtValue Allocate(ElementType type, Shape shape)
    {
        var buffer = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, (TensorElementType)(int)type, shape.ToArray());
        buffer.GetTensorMutableRawData().Clear();
        return buffer;
    }

    private static OrtValue Allocate(StateSpec state) => Allocate(state.Type, state.Shape);
}
