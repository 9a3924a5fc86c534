using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference;

/// <summary>Any ONNX model that takes images, Float32 [N, C, H, W] with values in [0, 1], and gives logits or probabilities of K classes, [N, K]. Safe to use from several threads.</summary>
public sealed class ImageClassifier : IDisposable
{
    private readonly SessionTurns turns;
    private readonly RunOptions runOptions = new();
    private readonly string input;
    private readonly string output;
    private readonly long[] imageShape;

    private ImageClassifier(InferenceSession session, ModelMetadata images, string path, int runsAtOnce)
    {
        turns = new SessionTurns(session, () => null, runsAtOnce, "classifier");
        imageShape = [images.Channels, images.Height, images.Width];
        if (session.InputMetadata.Count != 1 || session.OutputMetadata.Count != 1)
        {
            throw new InvalidDataException($"'{path}' has {session.InputMetadata.Count} inputs and {session.OutputMetadata.Count} outputs; a classifier has one of each.");
        }

        (input, output) = (session.InputNames[0], session.OutputNames[0]);
        int[] taken = session.InputMetadata[input].Dimensions, given = session.OutputMetadata[output].Dimensions;
        if (taken.Length != 4 || !taken.Skip(1).Zip(imageShape).All(size => size.First < 0 || size.First == size.Second) || given.Length != 2 || given[1] < 2)
        {
            throw new InvalidDataException(
                $"'{path}' takes [{string.Join(", ", taken)}] and gives [{string.Join(", ", given)}]; a classifier of these images takes [N, {string.Join(", ", imageShape)}] and gives [N, classes].");
        }

        Classes = given[1];
    }

    /// <summary>K, the number of classes.</summary>
    public int Classes { get; }

    /// <summary>Loads a classifier.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">The model whose images it is to judge.</param>
    /// <param name="options">Where and how to run.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no ONNX model, or no classifier of such images.</exception>
    public static ImageClassifier Load(string path, ModelMetadata images, VaeOptions? options = null)
    {
        options ??= new VaeOptions();
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.");
        }

        using var settings = (options.Device ?? OnnxDevice.Cpu).CreateSessionOptions(options.ThreadsOfRun);
        var session = OnnxFile.Open(path, settings);
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

    /// <summary>The probabilities of classes; logits are normalised by a softmax.</summary>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
    /// <returns>Float32 [N, K].</returns>
    public float[] Probabilities(float[] images)
    {
        long count = images.Length / imageShape.Aggregate((product, size) => product * size);
        var scores = new float[count * Classes];
        using (var turn = turns.Take())
        using (OrtValue x = OrtValue.CreateTensorValueFromMemory(images, [count, .. imageShape]), y = OrtValue.CreateTensorValueFromMemory(scores, [count, Classes]))
        {
            turn.Session.Run(runOptions, [input], [x], [output], [y]);
        }

        for (int i = 0; i < scores.Length; i += Classes)
        {
            Normalize(scores.AsSpan(i, Classes));
        }

        return scores;
    }

    /// <summary>Waits for the runs that are at work; later ones are refused.</summary>
    public void Dispose()
    {
        turns.Dispose();
        runOptions.Dispose();
    }

    private static void Normalize(Span<float> scores)
    {
        const double rounding = 1e-3;
        double sum = 0, largest = double.NegativeInfinity;
        bool isPositive = true;
        foreach (float score in scores)
        {
            (sum, largest, isPositive) = (sum + score, Math.Max(largest, score), isPositive && score >= 0);
        }

        if (isPositive && Math.Abs(sum - 1) < rounding)
        {
            return; // probabilities already
        }

        sum = 0;
        foreach (float score in scores)
        {
            sum += Math.Exp(score - largest);
        }

        for (int k = 0; k < scores.Length; k++)
        {
            scores[k] = (float)(Math.Exp(scores[k] - largest) / sum);
        }
    }
}
