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
