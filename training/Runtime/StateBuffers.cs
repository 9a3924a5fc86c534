using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Inference.Internals;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Training.Runtime;

/// <summary>
/// The states of a model in two sets of buffers on a device: a step reads one set and writes the other, then they are swapped. No
/// output ever overwrites an input, and no state leaves the device unless it is asked for.
/// </summary>
public sealed class StateBuffers : IDisposable
{
    private readonly Dictionary<string, OrtValue>[] sets = [[], []];

    /// <summary>Allocates the states of a package.</summary>
    /// <param name="package">The package.</param>
    /// <param name="device">Where they are.</param>
    /// <param name="updated">Names of the states that steps update; the others have one buffer.</param>
    /// <exception cref="InsufficientMemoryException">The device has no room for them.</exception>
    public StateBuffers(TrainingPackage package, OnnxDevice device, IEnumerable<string> updated)
        : this(device with { IsPrecise = device.IsPrecise || package.IsPrecise }, package.Manifest.States, updated)
    {
    }

    private StateBuffers(OnnxDevice device, IReadOnlyList<StateSpec> states, IEnumerable<string> updated)
    {
        (Memory, Specs) = (new DeviceMemory(device), states);
        var changing = updated.ToHashSet();
        try
        {
            foreach (var state in states)
            {
                sets[0][state.Name] = Allocate(state);
                sets[1][state.Name] = changing.Contains(state.Name) ? Allocate(state) : sets[0][state.Name];
            }
        }
        catch (InsufficientMemoryException e)
        {
            Dispose();
            double bytes = states.Sum(state => (double)SizeOf(state) * (changing.Contains(state.Name) ? 2 : 1));
            throw new InsufficientMemoryException(FormattableString.Invariant(
                $"The memory of {device} has no room for the model's states: parameters, moments and averages, those that change twice, take {bytes / 1e6:N1} MB. Give smaller sizes."), e);
        }

        OrtValue Allocate(StateSpec state) => Memory.Allocate((TensorElementType)(int)state.Type, state.Shape.ToArray());
    }

    /// <summary>The states of a program before its first run.</summary>
    /// <param name="program">The program.</param>
    /// <param name="device">Where it will run.</param>
    public static StateBuffers Initial(CompiledProgram program, OnnxDevice device)
    {
        var buffers = new StateBuffers(device, program.States, program.Spec.Updates);
        try
        {
            buffers.Load(program.Initial);
            return buffers;
        }
        catch
        {
            buffers.Dispose();
            throw;
        }
    }

    /// <summary>Where they are.</summary>
    public DeviceMemory Memory { get; }

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

            Memory.Upload(tensor.Data.Span, sets[Parity][spec.Name]);
        }
    }

    /// <summary>Copies the current states.</summary>
    public IReadOnlyDictionary<string, Tensor> Snapshot() => Specs.ToDictionary(spec => spec.Name, spec =>
    {
        byte[] data = GC.AllocateUninitializedArray<byte>((int)SizeOf(spec));
        Memory.Download(sets[Parity][spec.Name], data);
        return new Tensor(spec.Type, spec.Shape, data);
    });

    /// <summary>The name of the first state with a value that is not finite; null if there is none.</summary>
    /// <param name="states">States, as <see cref="Snapshot"/> returns them.</param>
    public static string? FirstNotFinite(IReadOnlyDictionary<string, Tensor> states) =>
        states.FirstOrDefault(state => state.Value.Type == ElementType.Float32 && FiniteNumbers.IndexOfOther(state.Value.As<float>()) >= 0).Key;

    /// <summary>The name of the first trained parameter with a value that is not finite; null if there is none.</summary>
    public string? FirstParameterNotFinite()
    {
        byte[] copy = [];
        foreach (var spec in Specs.Where(spec => spec is { Role: StateRole.Parameter, Type: ElementType.Float32 }))
        {
            var value = sets[Parity][spec.Name];
            ReadOnlySpan<float> numbers;
            if (Memory.IsHost)
            {
                numbers = value.GetTensorDataAsSpan<float>();
            }
            else
            {
                copy = copy.Length >= SizeOf(spec) ? copy : new byte[SizeOf(spec)];
                var bytes = copy.AsSpan(0, (int)SizeOf(spec));
                Memory.Download(value, bytes);
                numbers = MemoryMarshal.Cast<byte, float>(bytes);
            }

            if (FiniteNumbers.IndexOfOther(numbers) >= 0)
            {
                return spec.Name;
            }
        }

        return null;
    }

    /// <summary>The buffer of a state for a given parity.</summary>
    internal OrtValue Current(string name, int parity) => sets[parity][name];

    /// <summary>The buffer that a step writes a state to, for a given parity.</summary>
    internal OrtValue Next(string name, int parity) => sets[1 - parity][name];

    /// <inheritdoc/>
    public void Dispose()
    {
        Memory.Release(sets.SelectMany(set => set.Values).Distinct());
        Memory.Dispose();
    }

    private static long SizeOf(StateSpec state) => state.Shape.ElementCount * state.Type.SizeInBytes();
}
