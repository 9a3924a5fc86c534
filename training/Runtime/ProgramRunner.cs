using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Runtime;

/// <summary>
/// Runs a program on ONNX Runtime. Inputs, states and metrics live in CPU buffers, so that a run allocates
/// nothing.
/// </summary>
public sealed class ProgramRunner : IDisposable
{
    private readonly ProgramSpec program;
    private readonly StateBuffers states;
    private readonly BoundSession session;
    private readonly BoundSession? sessionWithoutMetrics;
    private readonly RunOptions runOptions = new();
    private readonly Dictionary<string, OrtValue> inputs;
    private readonly Dictionary<string, OrtValue> metrics;
    private readonly ProgramNoise noise;
    private readonly string[] noiseNames;
    private readonly InputSpec[] scheduled;
    private readonly string? labels;
    private readonly string? conditions;
    private readonly bool ownsStates;

    /// <summary>Loads a program of a package.</summary>
    /// <param name="package">The package.</param>
    /// <param name="program">One of its programs.</param>
    /// <param name="states">The states that it reads and writes.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    public ProgramRunner(TrainingPackage package, ProgramSpec program, StateBuffers states, OnnxDevice device, int threads)
        : this(program, states, device, threads,
            options => OnnxSession.Load(package.PathOf(program.File), options),
            program.FileWithoutMetrics is null ? null : options => OnnxSession.Load(package.PathOf(program.FileWithoutMetrics), options))
    {
    }

    /// <summary>Loads a compiled program with the initial values of its states.</summary>
    /// <param name="program">The program.</param>
    /// <param name="device">Where to run.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    public ProgramRunner(CompiledProgram program, OnnxDevice device, int threads = 0)
        : this(program, StateBuffers.Initial(program), device, threads) => ownsStates = true;

    private ProgramRunner(CompiledProgram compiled, StateBuffers states, OnnxDevice device, int threads)
        : this(
            compiled.Spec, states, device, threads,
            options => OnnxSession.Load(compiled.Model.ToBytes(), options),
            compiled.WithoutMetrics is null ? null : options => OnnxSession.Load(compiled.WithoutMetrics.ToBytes(), options))
    {
    }

    private ProgramRunner(
        ProgramSpec program, StateBuffers states, OnnxDevice device, int threads,
        Func<SessionOptions, OnnxSession> load, Func<SessionOptions, OnnxSession>? loadWithoutMetrics)
    {
        (this.program, this.states, noise) = (program, states, new ProgramNoise(program));
        noiseNames = [.. noise.Names];
        (labels, conditions) = (program.Labels?.Name, program.Conditions?.Name);
        scheduled = [.. program.Inputs.Where(input => input.Role == InputRole.Schedule)];
        using var options = device.CreateSessionOptions(threads);
        BoundSession.ShareArena(options);
        inputs = program.Inputs.ToDictionary(input => input.Name, input => StateBuffers.Allocate(input.Type, input.Shape));
        metrics = program.Metrics.ToDictionary(metric => metric.Name, metric => StateBuffers.Allocate(metric.Type, metric.Shape));
        bool isOnProcessor = device.Provider == OnnxDevice.Cpu.Provider;
        var outputs = program.Metrics.ToDictionary(metric => metric.OutputName, metric => metrics[metric.Name]);
        session = new BoundSession(load, options, inputs, outputs, program.Updates, states, isOnProcessor);
        sessionWithoutMetrics = loadWithoutMetrics is null ? null : new BoundSession(loadWithoutMetrics, options, inputs, outputs, program.Updates, states, isOnProcessor);
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
        (withMetrics ? session : sessionWithoutMetrics ?? session).Run(runOptions, states.Parity);
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
        foreach (var resource in (IEnumerable<IDisposable?>)[session, sessionWithoutMetrics, .. inputs.Values, .. metrics.Values, runOptions])
        {
            resource?.Dispose();
        }

        if (ownsStates)
        {
            states.Dispose();
        }
    }

    private static OrtValue Find(Dictionary<string, OrtValue> values, string name, string problem) => values.TryGetValue(name, out var value) ? value
        : throw new ArgumentException($"The program {problem} '{name}'; there are: {string.Join(", ", values.Keys)}.", nameof(name));
}
