using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>Loads ONNX models.</summary>
internal static class OnnxFile
{
    /// <summary>Loads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="settings">How it will run.</param>
    /// <exception cref="InvalidDataException">It is no ONNX model that this runtime can run.</exception>
    public static InferenceSession Open(string path, SessionOptions settings)
    {
        RequireContent(path);
        return Open(() => new InferenceSession(path, settings), $"'{path}'")!;
    }

    /// <summary>Refuses what has no content before anything waits for it: an empty file, a pipe, a device.</summary>
    /// <exception cref="InvalidDataException">The file is there and has none.</exception>
    public static void RequireContent(string path)
    {
        if (File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Length: 0 })
        {
            throw new InvalidDataException($"'{path}' cannot be loaded as an ONNX model: it is empty, or not a regular file.");
        }
    }

    /// <summary>What a loaded file says about itself.</summary>
    /// <param name="session">The loaded file.</param>
    /// <param name="source">What it is called in messages.</param>
    /// <exception cref="InvalidDataException">Its metadata are not text.</exception>
    public static IReadOnlyDictionary<string, string> MetadataOf(InferenceSession session, string source)
    {
        try
        {
            return session.ModelMetadata.CustomMetadataMap;
        }
        catch (NullReferenceException e) // how ONNX Runtime answers where names in the file are damaged
        {
            throw new InvalidDataException($"{source} has damaged metadata: they are not text. Export the file again.", e);
        }
    }

    /// <summary>Loads what may be one.</summary>
    /// <param name="open">Loads it; null where there is nothing any more.</param>
    /// <param name="source">What it is called in messages.</param>
    /// <exception cref="InvalidDataException">It is no ONNX model that this runtime can run.</exception>
    public static InferenceSession? Open(Func<InferenceSession?> open, string source)
    {
        using var flushed = FlushedDenormals.OnThisThread(); // constants are folded on it
        try
        {
            return open();
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"{source} cannot be loaded as an ONNX model: {e.Message}", e);
        }
    }

    /// <summary>Runs a loaded file.</summary>
    /// <param name="run">Runs it.</param>
    /// <param name="source">What it is called in messages.</param>
    /// <exception cref="InvalidDataException">The runtime cannot: shapes inside the file do not fit, or memory is short.</exception>
    public static void Run(Action run, string source)
    {
        using var flushed = FlushedDenormals.OnThisThread();
        try
        {
            run();
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"{source} cannot be run: {e.Message}", e);
        }
    }
}
