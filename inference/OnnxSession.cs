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

    private OnnxSession(InferenceSession session, string source) => (this.session, Source) = (session, source);

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
    /// <param name="settings">How it will run, as <see cref="OnnxDevice.CreateSessionOptions"/> gives them.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not an ONNX model that this runtime can run.</exception>
    public static OnnxSession Load(string file, SessionOptions settings)
    {
        RequireContent(file);
        return Open(() => new InferenceSession(file, settings), $"'{file}'");
    }

    /// <summary>Loads the bytes of a file.</summary>
    /// <param name="model">The bytes.</param>
    /// <param name="settings">How it will run.</param>
    /// <exception cref="InvalidDataException">They are not an ONNX model that this runtime can run.</exception>
    public static OnnxSession Load(byte[] model, SessionOptions settings) => Open(() => new InferenceSession(model, settings), "The model");

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

    /// <summary>Creates a binding of inputs and outputs.</summary>
    public OrtIoBinding CreateBinding() => session.CreateIoBinding();

    /// <summary>Runs the model on bound inputs and outputs; allocates nothing.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="binding">A binding of this session.</param>
    public void Run(RunOptions options, OrtIoBinding binding)
    {
        using var flushed = FlushedDenormals.OnThisThread();
        session.RunWithBinding(options, binding);
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    /// <summary>Rejects an empty file, a pipe or a device before anything waits for its content.</summary>
    /// <exception cref="InvalidDataException">The file exists but has no content.</exception>
    internal static void RequireContent(string path)
    {
        if (File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Length: 0 })
        {
            throw new InvalidDataException($"'{path}' cannot be loaded as an ONNX model: it is empty, or not a regular file.");
        }
    }

    private static OnnxSession Open(Func<InferenceSession> open, string source)
    {
        using var flushed = FlushedDenormals.OnThisThread(); // constants are folded on this thread
        try
        {
            return new OnnxSession(open(), source);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"{source} cannot be loaded as an ONNX model: {e.Message}", e);
        }
    }

    private void Run(Action run)
    {
        using var flushed = FlushedDenormals.OnThisThread();
        try
        {
            run();
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"{Source} cannot be run: {e.Message}", e);
        }
    }
}
