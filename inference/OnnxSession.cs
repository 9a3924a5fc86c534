using Microsoft.ML.OnnxRuntime;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// A loaded ONNX file: everything that is run here is run by one. Errors of the runtime name the file; denormal numbers are taken for zero while it is loaded
/// and while it runs, whichever thread calls. Safe to run from several threads at a time.
/// </summary>
public sealed class OnnxSession : IDisposable
{
    private readonly InferenceSession session;

    private OnnxSession(InferenceSession session, string source) => (this.session, Source) = (session, source);

    /// <summary>What the model is called in messages.</summary>
    public string Source { get; }

    /// <summary>The inputs, by name.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Inputs => session.InputMetadata;

    /// <summary>The outputs, by name.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> Outputs => session.OutputMetadata;

    /// <summary>The names of the inputs, in order.</summary>
    public IReadOnlyList<string> InputNames => session.InputNames;

    /// <summary>The names of the outputs, in order.</summary>
    public IReadOnlyList<string> OutputNames => session.OutputNames;

    /// <summary>What the file says about itself.</summary>
    /// <exception cref="InvalidDataException">Its metadata are not text.</exception>
    public IReadOnlyDictionary<string, string> Metadata
    {
        get
        {
            try
            {
                return session.ModelMetadata.CustomMetadataMap;
            }
            catch (NullReferenceException e) // how ONNX Runtime answers where names in the file are damaged
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

    /// <summary>Runs the model into memory that is there.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="inputNames">The inputs.</param>
    /// <param name="inputs">Their values.</param>
    /// <param name="outputNames">The outputs.</param>
    /// <param name="outputs">What receives them.</param>
    /// <exception cref="InvalidDataException">The runtime cannot: shapes inside the file do not fit, or memory is short.</exception>
    public void Run(RunOptions options, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputs, IReadOnlyCollection<string> outputNames, IReadOnlyCollection<OrtValue> outputs) =>
        Run(() => session.Run(options, inputNames, inputs, outputNames, outputs));

    /// <summary>Runs the model once and drops what it gives.</summary>
    /// <inheritdoc cref="Run(RunOptions, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue}, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue})"/>
    public void Run(RunOptions options, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputs) =>
        Run(() => session.Run(options, inputNames, inputs, session.OutputNames).Dispose());

    /// <summary>What inputs and outputs are bound to.</summary>
    public OrtIoBinding CreateBinding() => session.CreateIoBinding();

    /// <summary>Runs the model on what its inputs and outputs are bound to; allocates nothing.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="binding">A binding of this session.</param>
    public void Run(RunOptions options, OrtIoBinding binding)
    {
        using var flushed = FlushedDenormals.OnThisThread();
        session.RunWithBinding(options, binding);
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();

    /// <summary>Refuses what has no content before anything waits for it: an empty file, a pipe, a device.</summary>
    /// <exception cref="InvalidDataException">The file is there and has none.</exception>
    internal static void RequireContent(string path)
    {
        if (File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Length: 0 })
        {
            throw new InvalidDataException($"'{path}' cannot be loaded as an ONNX model: it is empty, or not a regular file.");
        }
    }

    private static OnnxSession Open(Func<InferenceSession> open, string source)
    {
        using var flushed = FlushedDenormals.OnThisThread(); // constants are folded on it
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
