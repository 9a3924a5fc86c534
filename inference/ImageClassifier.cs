using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// Any ONNX model that takes images, Float32 [N, C, ...] with values in [0, 1] or in the data's units, and returns logits or probabilities of K classes, [N, K]. Safe to
/// use from several threads.
/// </summary>
public sealed class ImageClassifier : IDisposable
{
    private readonly SessionTurns turns;
    private readonly RunOptions runOptions = new();
    private readonly string path;
    private readonly string input;
    private readonly string output;
    private readonly long[] imageShape;

    private ImageClassifier(OnnxSession session, ModelMetadata images, string path, int maxConcurrentRuns)
    {
        this.path = path;
        turns = new SessionTurns(session, () => null, maxConcurrentRuns, "classifier", runOptions.Dispose);
        imageShape = [.. images.Axes];
        if (session.Inputs.Count != 1 || session.Outputs.Count != 1)
        {
            throw new InvalidDataException($"'{path}' has {session.Inputs.Count} inputs and {session.Outputs.Count} outputs; a classifier has one of each.");
        }

        (input, output) = (session.InputNames[0], session.OutputNames[0]);
        var (taken, given) = (session.Inputs[input], session.Outputs[output]);
        if (!Takes(taken, [-1, .. imageShape]) || !Takes(given, [-1, given.Dimensions[^1]]) || given.Dimensions[^1] < 2)
        {
            throw new InvalidDataException(
                $"'{path}' takes {Describe(taken)} and gives {Describe(given)}; a classifier of these images takes Float32 [N, {string.Join(", ", imageShape)}], for any N, and gives Float32 [N, classes].");
        }

        Classes = given.Dimensions[1];
        Names = ModelMetadata.ReadClasses(session);
    }

    /// <summary>K, the number of classes.</summary>
    public int Classes { get; }

    /// <summary>The class names, if the file has them.</summary>
    public IReadOnlyList<string>? Names { get; }

    /// <summary>Loads a classifier.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">The model whose images it will classify.</param>
    /// <param name="options">Where and how to run.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or does not classify such images.</exception>
    public static ImageClassifier Load(string path, ModelMetadata images, VaeOptions? options = null)
    {
        options ??= new VaeOptions();
        options.Validate();
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.");
        }

        var session = OnnxSession.Load(path, options.Device ?? OnnxDevice.Cpu, options.ThreadsOfRun);
        try
        {
            return new ImageClassifier(session, images, path, options.AllThreads / options.ThreadsOfRun);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The class probabilities.</summary>
    /// <inheritdoc cref="LogProbabilities"/>
    public float[] Probabilities(float[] images)
    {
        float[] scores = LogProbabilities(images);
        TensorPrimitives.Exp(scores, scores);
        return scores;
    }

    /// <summary>The natural logarithms of the class probabilities; if the model returns logits, a softmax is applied first.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <returns>Float32 [N, K].</returns>
    /// <exception cref="ArgumentException">The length is wrong.</exception>
    /// <exception cref="InvalidDataException">The model returns NaN or infinity.</exception>
    public float[] LogProbabilities(float[] images)
    {
        int size = (int)imageShape.Aggregate((product, length) => product * length);
        long count = Arguments.RequireRows(images.Length, size, "images", $"images of {string.Join(" x ", imageShape)}");
        var scores = new float[count * Classes];
        using (var turn = turns.Take())
        using (OrtValue x = OrtValue.CreateTensorValueFromMemory(images, [count, .. imageShape]), y = OrtValue.CreateTensorValueFromMemory(scores, [count, Classes]))
        {
            turn.Session.Run(runOptions, [input], [x], [output], [y]);
        }

        for (int i = 0; i < scores.Length; i += Classes)
        {
            Normalize(scores.AsSpan(i, Classes), i / Classes);
        }

        return scores;
    }

    /// <summary>Waits for runs in progress; later ones are rejected.</summary>
    public void Dispose() => turns.Dispose();

    private void Normalize(Span<float> scores, int image)
    {
        const float rounding = 1e-3f;
        float largest = TensorPrimitives.Max<float>(scores); // NaN if any score is NaN
        if (!float.IsFinite(largest))
        {
            throw new InvalidDataException($"'{path}' gives {largest} for image {image}; a classifier gives numbers.");
        }

        if (TensorPrimitives.Min<float>(scores) >= 0 && Math.Abs(TensorPrimitives.Sum<float>(scores) - 1) < rounding)
        {
            TensorPrimitives.Log(scores, scores);
            return;
        }

        double sum = 0;
        foreach (float score in scores)
        {
            sum += Math.Exp(score - largest);
        }

        TensorPrimitives.Subtract(scores, largest + (float)Math.Log(sum), scores);
    }

    // -1 stands for any size.
    private static bool Takes(NodeMetadata value, long[] shape) =>
        value is { IsTensor: true, ElementDataType: TensorElementType.Float } && value.Dimensions.Length == shape.Length
        && value.Dimensions.Zip(shape).All(size => size.First == size.Second || (size.First < 0 && size.Second > 0));

    private static string Describe(NodeMetadata value) => value.IsTensor ? $"{value.ElementDataType} [{string.Join(", ", value.Dimensions)}]" : $"{value.OnnxValueType}";
}
