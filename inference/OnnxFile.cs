using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference;

/// <summary>Loads ONNX models.</summary>
internal static class OnnxFile
{
    /// <summary>Loads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="settings">How it will run.</param>
    /// <exception cref="InvalidDataException">It is no ONNX model that this runtime can run.</exception>
    public static InferenceSession Open(string path, SessionOptions settings) => Open(() => new InferenceSession(path, settings), $"'{path}'")!;

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
}
