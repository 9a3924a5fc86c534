using Microsoft.ML.OnnxRuntime;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// A loaded ONNX file; all models run through this class. Errors of the runtime name the file; denormal numbers are treated as zero while it is loaded
/// and while it runs, whichever thread calls. Safe to run from several threads at a time.
/// </summary>
public sealed class OnnxSession : IDisposable
{
    private readonly InferenceSession session;
    private readonly OnnxDevice device;

    private OnnxSession(InferenceSession session, OnnxDevice device, string source) => (this.session, this.device, Source) = (session, device, source);

    /// <summary>The name of the model in messages.</summary>
    public string Source { get; }

    /// <summary>The inputs, by name.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Inputs => session.InputMetadata;

    /// <summary>The outputs, by name.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Outputs => session.OutputMetadata;

    /// <summary>The names of the inputs, in order.</summary>
    public IReadOnlyList<string> InputNames => session.InputNames;

    /// <summary>The names of the outputs, in order.</summary>
    public IReadOnlyList<string> OutputNames => session.OutputNames;

    /// <summary>The file's metadata.</summary>
    /// <exception cref="InvalidDataException">The metadata are not valid text.</exception>
    public IReadOnlyDictionary<string, string> Metadata
    {
        get
        {
            try
            {
                return session.ModelMetadata.CustomMetadataMap;
            }
            catch (NullReferenceException e) // what ONNX Runtime throws if names in the file are damaged
            {
                throw new InvalidDataException($"{Source} has damaged metadata: they are not text. Export the file again.", e);
            }
        }
    }

    /// <summary>Loads a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <param name="configure">Further settings; null for none.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not an ONNX model that this runtime can run, or the device has no kernel for one of its nodes.</exception>
    /// <exception cref="InvalidOperationException">The device cannot start.</exception>
    public static OnnxSession Load(string file, OnnxDevice device, int threads = 0, Action<SessionOptions>? configure = null)
    {
        RequireContent(file);
        return Open(settings => new InferenceSession(file, settings), device, threads, configure, $"'{file}'");
    }

    /// <summary>Loads the bytes of a file.</summary>
    /// <param name="model">The bytes.</param>
    /// <param name="device">Where it will run.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <param name="configure">Further settings; null for none.</param>
    /// <exception cref="InvalidDataException">They are not an ONNX model that this runtime can run, or the device has no kernel for one of its nodes.</exception>
    /// <exception cref="InvalidOperationException">The device cannot start.</exception>
    public static OnnxSession Load(byte[] model, OnnxDevice device, int threads = 0, Action<SessionOptions>? configure = null) =>
        Open(settings => new InferenceSession(model, settings), device, threads, configure, "The model");

    /// <summary>Finds out which nodes of a file run on a device, and which fall back to the processor.</summary>
    /// <param name="file">The file.</param>
    /// <param name="device">The device.</param>
    /// <returns>Where the nodes run with fall-back allowed; null if the application has created ONNX Runtime's environment itself, whose log tells.</returns>
    public static NodePlacement? PlacementOf(string file, OnnxDevice device) =>
        Translating(device, $"'{file}'", () =>
        {
            RequireContent(file);
            return NodePlacements.Find(device, settings => new InferenceSession(file, settings));
        });

    /// <summary>Runs the model into preallocated memory.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="inputNames">The inputs.</param>
    /// <param name="inputs">Their values.</param>
    /// <param name="outputNames">The outputs.</param>
    /// <param name="outputs">What receives them.</param>
    /// <exception cref="InvalidDataException">The runtime fails: shapes inside the file do not fit, or memory runs out.</exception>
    public void Run(RunOptions options, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputs, IReadOnlyCollection<string> outputNames, IReadOnlyCollection<OrtValue> outputs) =>
        Run(() => session.Run(options, inputNames, inputs, outputNames, outputs));

    /// <summary>Runs the model once and discards the outputs.</summary>
    /// <inheritdoc cref="Run(RunOptions, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue}, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue})"/>
    public void Run(RunOptions options, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputs) =>
        Run(() => session.Run(options, inputNames, inputs, session.OutputNames).Dispose());

    /// <summary>Creates a binding of inputs and outputs; it must be disposed before the session.</summary>
    public OrtIoBinding CreateBinding()
    {
        using var turn = DeviceTurn.Take(device);
        return session.CreateIoBinding();
    }

    /// <summary>Runs the model on bound inputs and outputs; allocates nothing.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="binding">What <see cref="CreateBinding"/> gave.</param>
    /// <exception cref="InvalidDataException">The runtime fails: memory runs out, for instance.</exception>
    public void Run(RunOptions options, OrtIoBinding binding)
    {
        using var turn = DeviceTurn.Take(device);
        using var flushed = FlushedDenormals.OnThisThread();
        try
        {
            session.RunWithBinding(options, binding);
        }
        catch (OnnxRuntimeException e)
        {
            throw Failure(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using var turn = DeviceTurn.Take(device);
        session.Dispose();
    }

    /// <summary>The allocator of a kind of memory of the session's device.</summary>
    internal OrtAllocator CreateAllocator(OrtMemoryInfo memory)
    {
        using var turn = DeviceTurn.Take(device);
        return new OrtAllocator(session, memory);
    }

    /// <summary>Rejects an empty file, a pipe or a device before anything waits for its content.</summary>
    /// <exception cref="InvalidDataException">The file exists but has no content.</exception>
    internal static void RequireContent(string path)
    {
        if (File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Length: 0 })
        {
            throw new InvalidDataException($"'{path}' cannot be loaded as an ONNX model: it is empty, or not a regular file.");
        }
    }

    private static OnnxSession Open(Func<SessionOptions, InferenceSession> open, OnnxDevice device, int threads, Action<SessionOptions>? configure, string source) =>
        Translating(device, source, () =>
        {
            using var settings = device.CreateSessionOptions(threads);
            configure?.Invoke(settings);
            try
            {
                return new OnnxSession(open(settings), device, source);
            }
            catch (OnnxRuntimeException e) when (NodePlacements.AreRefusedIn(e))
            {
                throw new InvalidDataException(NodePlacements.Refusal(source, device, open), e);
            }
        });

    // Makes a session while nothing else uses the device, and turns the runtime's errors into sentences.
    private static T Translating<T>(OnnxDevice device, string source, Func<T> make)
    {
        using var turn = DeviceTurn.Take(device);
        using var flushed = FlushedDenormals.OnThisThread(); // constants are folded on this thread
        try
        {
            return make();
        }
        catch (OnnxRuntimeException e)
        {
            throw DeviceMemory.IsExhausted(e) ? DeviceMemory.Exhausted(device, $"load {source}", e)
                : !device.IsProcessor && DeviceFailure.IsOfDevice(e) ? DeviceFailure.Of(device, e)
                : new InvalidDataException($"{source} cannot be loaded as an ONNX model: {e.Message}", e);
        }
    }

    private void Run(Action run)
    {
        using var turn = DeviceTurn.Take(device);
        using var flushed = FlushedDenormals.OnThisThread();
        try
        {
            run();
        }
        catch (OnnxRuntimeException e)
        {
            throw Failure(e);
        }
    }

    private Exception Failure(OnnxRuntimeException e) =>
        DeviceMemory.IsExhausted(e) ? DeviceMemory.Exhausted(device, $"run {Source}", e)
        : !device.IsProcessor ? new InvalidDataException($"{Source} cannot be run on {device}: {DeviceFailure.ReasonIn(e)}", e)
        : new InvalidDataException($"{Source} cannot be run: {e.Message}", e);
}
