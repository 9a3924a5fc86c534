using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OnnxVae.Inference;

/// <summary>
/// A loaded model: reads and writes the caller's memory without copies. Safe to use from several threads; as many runs as the options
/// allow are at work at a time, others wait, so that memory stays bounded.
/// </summary>
internal sealed class VaeSession : IDisposable
{
    private readonly InferenceSession session;
    private readonly RunOptions runOptions = new();
    private readonly Lock[] lanes; // for a run each; a lock wakes who waits far more cheaply than a semaphore does
    private readonly string device;
    private bool isDisposed;

    private VaeSession(InferenceSession session, ModelMetadata metadata, VaeOptions options)
    {
        (this.session, Metadata) = (session, metadata);
        lanes = [.. Enumerable.Range(0, options.RunsAtOnce(metadata.ImageSize)).Select(_ => new Lock())];
        device = $"{options.Device ?? OnnxDevice.Cpu}";
    }

    public ModelMetadata Metadata { get; }

    /// <summary>How many runs are at work at a time.</summary>
    public int RunsAtOnce => lanes.Length;

    /// <summary>The inputs, [N, width] each.</summary>
    public IEnumerable<(string Name, int Width)> InputWidths => session.InputMetadata.Select(input => (input.Key, input.Value.Dimensions[^1]));

    public static VaeSession Load(string path, string kind, VaeOptions? options) => File.Exists(path)
        ? Load(settings => new InferenceSession(path, settings), $"'{path}'", kind, options)
        : throw new FileNotFoundException($"There is no file '{path}'.");

    public static VaeSession Load(byte[] model, string kind, VaeOptions? options) =>
        Load(settings => new InferenceSession(model, settings), "The model", kind, options);

    public static VaeSession Load(Stream model, string kind, VaeOptions? options)
    {
        using var bytes = new MemoryStream();
        model.CopyTo(bytes);
        return Load(bytes.ToArray(), kind, options);
    }

    /// <summary>Runs the model over rows of input, as many at a time as it is made for.</summary>
    /// <param name="inputName">The input.</param>
    /// <param name="input">Its numbers.</param>
    /// <param name="inputShape">Its shape, [N, ...].</param>
    /// <param name="outputNames">One output or two.</param>
    /// <param name="outputShape">The shape of each, [N, ...].</param>
    /// <param name="first">Receives the first output.</param>
    /// <param name="second">Receives the second one; empty where there is none.</param>
    public void Run(string inputName, ReadOnlySpan<float> input, long[] inputShape, string[] outputNames, long[] outputShape, Span<float> first, Span<float> second)
    {
        int rows = (int)inputShape[0], rowsAtATime = Math.Min(Metadata.ImagesAtATime ?? rows, rows);
        int inputs = input.Length / rows, firsts = first.Length / rows, seconds = second.Length / rows;
        using var turn = TakeTurn();
        using var observed = VaeTelemetry.Observe(Metadata.Kind, device, rows);
        for (int row = 0; row < rows; row += rowsAtATime)
        {
            int count = Math.Min(rowsAtATime, rows - row);
            RunAtOnce(
                inputName, input.Slice(row * inputs, count * inputs), [count, .. inputShape[1..]], outputNames, [count, .. outputShape[1..]],
                first.Slice(row * firsts, count * firsts), second.Slice(row * seconds, count * seconds));
        }
    }

    /// <summary>Runs the model on several inputs.</summary>
    /// <param name="inputs">Their numbers, Float32 [N, ...], by name.</param>
    /// <param name="rows">N.</param>
    /// <param name="outputName">The output.</param>
    /// <param name="output">Receives it, Float32 [N, ...].</param>
    public unsafe void Run(IReadOnlyDictionary<string, float[]> inputs, int rows, string outputName, Span<float> output)
    {
        using var turn = TakeTurn();
        OrtValue[] sources = [.. inputs.Values.Select(values => OrtValue.CreateTensorValueFromMemory(values, [rows, values.Length / rows]))];
        try
        {
            fixed (float* y = output)
            {
                using var target = Wrap(y, output.Length, [rows, output.Length / rows]);
                session.Run(runOptions, [.. inputs.Keys], sources, [outputName], [target]);
            }
        }
        finally
        {
            Array.ForEach(sources, source => source.Dispose());
        }
    }

    /// <summary>Waits for the runs that are at work; later ones are refused.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, true)) // whoever still waits is told that it is too late
        {
            return;
        }

        Array.ForEach(lanes, lane => lane.Enter());
        runOptions.Dispose();
        session.Dispose();
        Array.ForEach(lanes, lane => lane.Exit());
    }

    private unsafe void RunAtOnce(
        string inputName, ReadOnlySpan<float> input, long[] inputShape, string[] outputNames, long[] outputShape, Span<float> first, Span<float> second)
    {
        fixed (float* x = input, y0 = first, y1 = second)
        {
            using var source = Wrap(x, input.Length, inputShape);
            using var target0 = Wrap(y0, first.Length, outputShape);
            using var target1 = outputNames.Length > 1 ? Wrap(y1, second.Length, outputShape) : null;
            session.Run(runOptions, [inputName], [source], outputNames, target1 is null ? [target0] : [target0, target1]);
        }
    }

    private static VaeSession Load(Func<SessionOptions, InferenceSession> open, string source, string kind, VaeOptions? options)
    {
        options ??= new VaeOptions();
        using var settings = (options.Device ?? OnnxDevice.Cpu).CreateSessionOptions(options.ThreadsOfRun);
        InferenceSession session;
        try
        {
            session = open(settings);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"{source} cannot be loaded as an ONNX model: {e.Message}", e);
        }

        try
        {
            return new VaeSession(session, ModelMetadata.Read(session, kind, source), options);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static unsafe OrtValue Wrap(float* data, int length, long[] shape) => OrtValue.CreateTensorValueWithData(
        OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, (IntPtr)data, (long)length * sizeof(float));

    // A free lane, or else one after whoever is in it.
    private Turn TakeTurn()
    {
        var lane = Array.Find(lanes, lane => lane.TryEnter());
        if (lane is null)
        {
            lane = lanes[Environment.CurrentManagedThreadId % lanes.Length];
            lane.Enter();
        }

        if (isDisposed)
        {
            lane.Exit();
            throw new ObjectDisposedException(Metadata.Kind, $"The {Metadata.Kind} was disposed: keep it as long as it is used.");
        }

        return new Turn(lane);
    }

    private readonly struct Turn(Lock lane) : IDisposable
    {
        public void Dispose() => lane.Exit();
    }
}
