using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>
/// Runs a program on ONNX Runtime, where its states are. Inputs, states and metrics have buffers for as long as the runner lives, so that on the
/// processor a run allocates nothing; on a device with memory of its own, a run copies the inputs there, and metrics back if they are read.
/// </summary>
public sealed class ProgramRunner : IDisposable
{
    private readonly ProgramSpec program;
    private readonly StateBuffers states;
    private readonly BoundSession session;
    private readonly BoundSession? sessionWithoutMetrics;
    private readonly Dictionary<string, OrtValue> inputs;
    private readonly Dictionary<string, OrtValue> onDevice;
    private readonly Dictionary<string, OrtValue> metrics;
    private readonly (OrtValue[] From, OrtValue[] To) copied;
    private readonly ProgramNoise noise;
    private readonly string[] noiseNames;
    private readonly InputSpec[] scheduled;
    private readonly string? labels;
    private readonly string? conditions;
    private readonly bool ownsStates;
    private readonly OrtValue[] ownBuffers;

    /// <summary>Loads a program of a package.</summary>
    /// <param name="package">The package.</param>
    /// <param name="program">One of its programs.</param>
    /// <param name="states">The states that it reads and writes; it runs where they are.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <exception cref="InvalidDataException">A file of the package is damaged, or the device has no kernel for one of its nodes.</exception>
    public ProgramRunner(TrainingPackage package, ProgramSpec program, StateBuffers states, int threads)
        : this(package, program, states, threads, shared: null)
    {
    }

    /// <summary>Loads a program of a package that shares buffers with other programs.</summary>
    /// <inheritdoc cref="ProgramRunner(TrainingPackage, ProgramSpec, StateBuffers, int)"/>
    /// <param name="package">The package.</param>
    /// <param name="program">One of its programs.</param>
    /// <param name="states">The states that it reads and writes; it runs where they are.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <param name="shared">Buffers on the host for contributions, as inputs, or for metrics of these names; they stay another's. Null for none.</param>
    internal ProgramRunner(TrainingPackage package, ProgramSpec program, StateBuffers states, int threads, IReadOnlyDictionary<string, OrtValue>? shared)
        : this(program, states, ownsStates: false,
            (device, configure) => OnnxSession.Load(package.PathOf(program.File), device, threads, configure),
            program.FileWithoutMetrics is null ? null : (device, configure) => OnnxSession.Load(package.PathOf(program.FileWithoutMetrics), device, threads, configure), shared)
    {
    }

    /// <summary>Loads a compiled program with the initial values of its states.</summary>
    /// <param name="program">The program.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    public ProgramRunner(CompiledProgram program, OnnxDevice device, int threads = 0)
        : this(program, StateBuffers.Initial(program, device), threads)
    {
    }

    private ProgramRunner(CompiledProgram compiled, StateBuffers states, int threads)
        : this(
            compiled.Spec, states, ownsStates: true,
            (device, configure) => OnnxSession.Load(compiled.Model.ToBytes(), device, threads, configure),
            compiled.WithoutMetrics is null ? null : (device, configure) => OnnxSession.Load(compiled.WithoutMetrics.ToBytes(), device, threads, configure))
    {
    }

    private ProgramRunner(
        ProgramSpec program, StateBuffers states, bool ownsStates,
        Func<OnnxDevice, Action<SessionOptions>, OnnxSession> load, Func<OnnxDevice, Action<SessionOptions>, OnnxSession>? loadWithoutMetrics,
        IReadOnlyDictionary<string, OrtValue>? shared = null)
    {
        (this.program, this.states, this.ownsStates, noise) = (program, states, ownsStates, new ProgramNoise(program));
        noiseNames = [.. noise.Names];
        (labels, conditions) = (program.Labels?.Name, program.Conditions?.Name);
        scheduled = [.. program.Inputs.Where(input => input.Role == InputRole.Schedule)];
        var memory = states.Memory;
        inputs = program.Inputs.ToDictionary(input => input.Name, input => OnHost(input.Name, input.Type, input.Shape, mayBeShared: input.Role == InputRole.Contribution));
        onDevice = memory.IsHost ? inputs : program.Inputs.ToDictionary(input => input.Name, input => memory.Allocate((TensorElementType)(int)input.Type, input.Shape.ToArray()));
        copied = memory.IsHost ? ([], []) : ([.. inputs.Values], [.. onDevice.Values]);
        metrics = program.Metrics.ToDictionary(metric => metric.Name, metric => OnHost(metric.Name, metric.Type, metric.Shape, mayBeShared: true));
        ownBuffers = [.. inputs.Values.Union(onDevice.Values).Union(metrics.Values).Except(shared?.Values ?? [])];
        var outputs = program.Metrics.ToDictionary(metric => metric.OutputName, metric => metrics[metric.Name]);
        try
        {
            bool contributes = program.Metrics.Any(metric => metric.Role.IsContribution());
            session = Bind(load, memory.Device);
            // Most steps take this one: results that go to the host would keep a device from replaying the step.
            sessionWithoutMetrics = loadWithoutMetrics is null ? null : Bind(loadWithoutMetrics, contributes ? memory.Device : memory.Device.Replaying());

            BoundSession Bind(Func<OnnxDevice, Action<SessionOptions>, OnnxSession> file, OnnxDevice device) =>
                new(configure => file(device, configure), onDevice, outputs, program.Updates, states, isFollowed: contributes);
        }
        catch
        {
            session?.Dispose();
            Release();
            throw;
        }

        OrtValue OnHost(string name, ElementType type, Shape shape, bool mayBeShared) => (mayBeShared ? shared?.GetValueOrDefault(name) : null) ?? DeviceMemory.AllocateOnHost((TensorElementType)(int)type, shape.ToArray());
    }

    /// <summary>The states between runs.</summary>
    public StateBuffers States => states;

    /// <summary>Time spent in runs so far.</summary>
    public TimeSpan ComputingTime { get; private set; }

    /// <summary>An input's buffer, to be filled before a run.</summary>
    /// <exception cref="ArgumentException">The program has no such input, or no result depends on it.</exception>
    public Span<T> Input<T>(string name) where T : unmanaged => MemoryMarshal.Cast<byte, T>(Find(inputs, name, "needs no input").GetTensorMutableRawData());

    /// <summary>A metric of the last run.</summary>
    /// <exception cref="ArgumentException">The program has no such metric.</exception>
    public ReadOnlySpan<float> Metric(string name) => Find(metrics, name, "has no metric").GetTensorDataAsSpan<float>();

    /// <summary>Runs the program on the current states; updated states become the current ones.</summary>
    /// <param name="withMetrics">Whether the metrics will be read; if not, they are not computed and keep their previous values.</param>
    public void Run(bool withMetrics = true)
    {
        long start = Stopwatch.GetTimestamp();
        states.Memory.Copy(copied.From, copied.To);

        (withMetrics ? session : sessionWithoutMetrics ?? session).Run(states.Parity);
        ComputingTime += Stopwatch.GetElapsedTime(start);
        if (program.Updates.Count > 0)
        {
            states.Flip();
        }
    }

    /// <summary>Fills images, labels, conditions and noise.</summary>
    /// <param name="images">Pixels, row by row of the batch; empty if it takes real numbers.</param>
    /// <param name="values">Real numbers, row by row of the batch; empty if it takes pixels.</param>
    /// <param name="labels">The class of each row, if the program takes labels.</param>
    /// <param name="conditions">The condition of each row, if the program takes conditions.</param>
    /// <param name="noise">Numbers for each noise input, in the order of the program's inputs.</param>
    public void Fill(ReadOnlySpan<byte> images, ReadOnlySpan<float> values, ReadOnlySpan<long> labels, ReadOnlySpan<float> conditions, IReadOnlyList<float[]> noise)
    {
        if (values.IsEmpty)
        {
            images.CopyTo(Input<byte>(program.Images.Name));
        }
        else
        {
            values.CopyTo(Input<float>(program.Images.Name));
        }

        if (this.labels is not null)
        {
            labels.CopyTo(Input<long>(this.labels));
        }

        if (this.conditions is not null)
        {
            conditions.CopyTo(Input<float>(this.conditions));
        }

        for (int i = 0; i < noiseNames.Length; i++)
        {
            noise[i].CopyTo(Input<float>(noiseNames[i]));
        }
    }

    /// <summary>Copies the batch to another program that takes the same one, or a part of it.</summary>
    /// <param name="other">The other program.</param>
    public void CopyBatchTo(ProgramRunner other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var input in other.program.Inputs.Where(input => input.Role == InputRole.Data))
        {
            Input<byte>(input.Name).CopyTo(other.Input<byte>(input.Name));
        }
    }

    /// <summary>Fills every noise input with the numbers of a step.</summary>
    /// <param name="seed">Random seed, combined with the step.</param>
    /// <param name="step">The step, or another number for each draw.</param>
    /// <param name="dataStep">The same for noise that belongs to the data; <paramref name="step"/> if omitted.</param>
    public void FillNoise(ulong seed, long step, long? dataStep = null)
    {
        for (int i = 0; i < noiseNames.Length; i++)
        {
            noise.Fill(i, Input<float>(noiseNames[i]), seed, (ulong)step, (ulong)(dataStep ?? step));
        }
    }

    /// <summary>Computes the scheduled scalars of a step.</summary>
    public void FillSchedules(long step)
    {
        foreach (var input in scheduled)
        {
            Input<float>(input.Name)[0] = (float)input.Schedule!.At(step);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        sessionWithoutMetrics?.Dispose();
        Release();
    }

    // All but the sessions.
    private void Release()
    {
        states.Memory.Release(ownBuffers);
        if (ownsStates)
        {
            states.Dispose();
        }
    }

    private static OrtValue Find(Dictionary<string, OrtValue> values, string name, string problem) => values.TryGetValue(name, out var value) ? value
        : throw new ArgumentException($"The program {problem} '{name}'; there are: {string.Join(", ", values.Keys)}.", nameof(name));
}
