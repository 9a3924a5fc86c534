using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;

namespace OnnxVae.Inference.Internals;

/// <summary>A loaded model: reads and writes the caller's memory without copies. Safe to use from several threads.</summary>
internal sealed class VaeSession : IDisposable
{
    private readonly RunOptions runOptions;
    private readonly SessionTurns turns;
    private readonly DeviceBlocks? blocks;
    private readonly string device;

    private VaeSession(SessionTurns turns, RunOptions runOptions, ModelMetadata metadata, DeviceBlocks? blocks, OnnxDevice device) =>
        (this.turns, this.runOptions, Metadata, this.blocks, this.device) = (turns, runOptions, metadata, blocks, $"{device}");

    public ModelMetadata Metadata { get; }

    /// <summary>Maximum number of concurrent runs.</summary>
    public int MaxConcurrentRuns => turns.AtOnce;

    /// <summary>The inputs and their shapes, [N, ...] each.</summary>
    public IEnumerable<(string Name, IReadOnlyList<int> Shape)> Inputs => turns.Alone.Inputs.Select(input => (input.Key, (IReadOnlyList<int>)input.Value.Dimensions));

    /// <summary>The names of the outputs, in the file's order.</summary>
    public IReadOnlyList<string> Outputs => turns.Alone.OutputNames;

    public static VaeSession Load(string path, string kind, VaeOptions? options)
    {
        var stamp = Stamp();
        OnnxSession.RequireContent(path);
        return stamp.Exists
            ? Load((device, threads) => Stamp() == stamp ? OnnxSession.Load(path, device, threads) : null, $"'{path}'", kind, options)
            : throw new FileNotFoundException($"There is no file '{path}'.");

        // If the file is exported again, the model that was loaded stays in use.
        (bool Exists, long Length, DateTime Written) Stamp() =>
            new FileInfo(path) is { Exists: true } file ? (true, file.Length, file.LastWriteTimeUtc) : default;
    }

    public static VaeSession Load(byte[] model, string kind, VaeOptions? options) =>
        Load((device, threads) => OnnxSession.Load(model, device, threads), "The model", kind, options);

    public static VaeSession Load(Stream model, string kind, VaeOptions? options)
    {
        using var bytes = new MemoryStream();
        model.CopyTo(bytes);
        return Load(bytes.ToArray(), kind, options);
    }

    /// <summary>Runs the model over rows of input, split into batches of the size that it is tuned for.</summary>
    /// <param name="inputName">The input.</param>
    /// <param name="input">Its values.</param>
    /// <param name="inputShape">Its shape, [N, ...].</param>
    /// <param name="condition">The condition of each row, for a conditional model; else empty.</param>
    /// <param name="outputNames">One output or two.</param>
    /// <param name="outputShape">The shape of each, [N, ...].</param>
    /// <param name="first">Receives the first output.</param>
    /// <param name="second">Receives the second one; empty where there is none.</param>
    public void Run(
        string inputName, ReadOnlySpan<float> input, long[] inputShape, ReadOnlySpan<float> condition, string[] outputNames, long[] outputShape, Span<float> first, Span<float> second)
    {
        using var turn = turns.Take();
        Run(turn.Session, inputName, input, inputShape, condition, outputNames, outputShape, first, second);
    }

    /// <summary>The same on a thread-pool thread, without blocking a thread while waiting for a turn.</summary>
    public async Task RunAsync(
        string inputName, ReadOnlyMemory<float> input, long[] inputShape, ReadOnlyMemory<float> condition,
        string[] outputNames, long[] outputShape, Memory<float> first, Memory<float> second, CancellationToken cancellation)
    {
        using var turn = await turns.TakeAsync(cancellation).ConfigureAwait(false);
        await Task.Run(() => Run(turn.Session, inputName, input.Span, inputShape, condition.Span, outputNames, outputShape, first.Span, second.Span), cancellation).ConfigureAwait(false);
    }

    private void Run(
        OnnxSession session, string inputName, ReadOnlySpan<float> input, long[] inputShape, ReadOnlySpan<float> condition,
        string[] outputNames, long[] outputShape, Span<float> first, Span<float> second)
    {
        int rows = (int)inputShape[0];
        using var observed = VaeTelemetry.Observe(Metadata.Kind, device, rows);
        if (blocks is null)
        {
            RunOnHost(session, inputName, input, inputShape, condition, outputNames, outputShape, first, second);
        }
        else
        {
            (string, long[])[] taken = Metadata.Condition is { } shape ? [(inputName, inputShape[1..]), (ConditionKinds.Input, DimensionsOf(shape))] : [(inputName, inputShape[1..])];
            blocks.Run(runOptions, taken, outputNames, outputShape[1..], rows, input, condition, first, second);
        }

        RequireFinite(first, rows);
        RequireFinite(second, rows);
        observed.Succeed();
    }

    private void RunOnHost(
        OnnxSession session, string inputName, ReadOnlySpan<float> input, long[] inputShape, ReadOnlySpan<float> condition,
        string[] outputNames, long[] outputShape, Span<float> first, Span<float> second)
    {
        int rows = (int)inputShape[0], rowsAtATime = Math.Min(Metadata.ImagesAtATime ?? rows, rows);
        int inputs = input.Length / rows, conditions = condition.Length / rows, firsts = first.Length / rows, seconds = second.Length / rows;
        for (int row = 0; row < rows; row += rowsAtATime)
        {
            int count = Math.Min(rowsAtATime, rows - row);
            RunAtOnce(
                session, inputName, input.Slice(row * inputs, count * inputs), [count, .. inputShape[1..]], condition.Slice(row * conditions, count * conditions),
                outputNames, [count, .. outputShape[1..]],
                first.Slice(row * firsts, count * firsts), second.Slice(row * seconds, count * seconds));
        }
    }

    /// <summary>Runs the model on several inputs.</summary>
    /// <param name="inputs">Their values, Float32 [N, ...], by name.</param>
    /// <param name="rows">N.</param>
    /// <param name="outputs">The outputs, and what receives them, Float32 [N, ...].</param>
    public void Run(IReadOnlyDictionary<string, float[]> inputs, int rows, params (string Name, float[] Values)[] outputs)
    {
        using var turn = turns.Take();
        using var observed = VaeTelemetry.Observe(Metadata.Kind, device, rows);
        OrtValue[] sources = [.. inputs.Select(input => Wrap(input.Value, turn.Session.Inputs[input.Key]))];
        OrtValue[] targets = [.. outputs.Select(output => Wrap(output.Values, turn.Session.Outputs[output.Name]))];
        try
        {
            turn.Session.Run(runOptions, [.. inputs.Keys], sources, [.. outputs.Select(output => output.Name)], targets);
        }
        finally
        {
            Array.ForEach([.. sources, .. targets], value => value.Dispose());
        }

        foreach (var (_, values) in outputs)
        {
            RequireFinite(values, rows);
        }

        observed.Succeed();

        OrtValue Wrap(float[] values, NodeMetadata tensor) => OrtValue.CreateTensorValueFromMemory(values, [rows, .. tensor.Dimensions.Skip(1).Select(size => (long)size)]);
    }

    /// <summary>Waits for runs in progress; later ones are rejected.</summary>
    public void Dispose() => turns.Dispose();

    private void RequireFinite(ReadOnlySpan<float> output, int rows)
    {
        if (FiniteNumbers.IndexOfOther(output) is var index and >= 0)
        {
            throw new InvalidDataException(
                $"The {Metadata.Kind} gives {output[index]} in row {index / (output.Length / rows)}: its weights are not finite, or its input is far too large. If it is the weights, the training has diverged; export an earlier checkpoint.");
        }
    }

    private unsafe void RunAtOnce(
        OnnxSession session, string inputName, ReadOnlySpan<float> input, long[] inputShape, ReadOnlySpan<float> condition,
        string[] outputNames, long[] outputShape, Span<float> first, Span<float> second)
    {
        fixed (float* x = input, given = condition, y0 = first, y1 = second)
        {
            using var values = Wrap(x, input.Length, inputShape);
            using var conditions = Metadata.Condition is { } shape ? Wrap(given, condition.Length, [inputShape[0], .. DimensionsOf(shape)]) : null;
            using var target0 = Wrap(y0, first.Length, outputShape);
            using var target1 = outputNames.Length > 1 ? Wrap(y1, second.Length, outputShape) : null;
            session.Run(runOptions, conditions is null ? [inputName] : [inputName, ConditionKinds.Input], conditions is null ? [values] : [values, conditions], outputNames, target1 is null ? [target0] : [target0, target1]);
        }
    }

    private static VaeSession Load(Func<OnnxDevice, int, OnnxSession?> open, string source, string kind, VaeOptions? options)
    {
        options ??= new VaeOptions();
        options.Validate();
        var device = options.Device ?? OnnxDevice.Cpu;
        var session = Open(options.ThreadsOfLoneRun) ?? throw new InvalidDataException($"{source} changed while it was being loaded: load it again.");
        try
        {
            var metadata = ModelMetadata.Read(session, kind);
            var runOptions = new RunOptions();
            var blocks = DeviceBlocks.For(session, device);
            var turns = new SessionTurns(
                session, () => options.ThreadsOfLoneRun == options.ThreadsOfRun ? null : Open(options.ThreadsOfRun), options.MaxConcurrentRuns(metadata.ValuesPerImage), kind, Release);
            var model = new VaeSession(turns, runOptions, metadata, blocks, device);
            if (options.WarmUp)
            {
                model.WarmUp(session);
            }

            return model;

            void Release()
            {
                blocks?.Dispose();
                runOptions.Dispose();
            }
        }
        catch
        {
            session.Dispose();
            throw;
        }

        OnnxSession? Open(int threads) => open(device, threads);
    }

    // On a row of zeros, in blocks if that is how the model will run.
    private void WarmUp(OnnxSession session)
    {
        var inputs = session.Inputs.Select(input => (input.Key, RowOf(input.Value))).ToArray();
        var outputs = session.Outputs.Select(output => (output.Key, RowOf(output.Value))).ToArray();
        float[][] zeros = [.. inputs.Select(input => Zeros(input.Item2))], results = [.. outputs.Select(output => Zeros(output.Item2))];
        if (blocks is not null && inputs.Length <= 2 && outputs.Length <= 2)
        {
            blocks.Run(
                runOptions, inputs, [.. outputs.Select(output => output.Key)], outputs[0].Item2, rows: 1,
                zeros[0], zeros.ElementAtOrDefault(1), results[0], results.ElementAtOrDefault(1));
            return;
        }

        OrtValue[] values = [.. inputs.Zip(zeros, (input, data) => OrtValue.CreateTensorValueFromMemory(data, [1, .. input.Item2]))];
        try
        {
            session.Run(runOptions, [.. session.Inputs.Keys], values);
        }
        finally
        {
            Array.ForEach(values, value => value.Dispose());
        }

        static long[] RowOf(NodeMetadata tensor) => [.. tensor.Dimensions.Skip(1).Select(size => Math.Max(1L, size))];

        static float[] Zeros(long[] shape) => new float[shape.Aggregate(1L, (product, size) => product * size)];
    }

    private static long[] DimensionsOf(ConditionShape shape) => [.. shape.Dimensions.Select(size => (long)size)];

    private static unsafe OrtValue Wrap(float* data, int length, long[] shape) => OrtValue.CreateTensorValueWithData(
        OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, (IntPtr)data, (long)length * sizeof(float));
}
