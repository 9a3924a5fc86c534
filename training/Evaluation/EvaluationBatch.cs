using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Evaluation;

/// <summary>The batches of an evaluation: the images in order, the last batch filled up, the same noise at every evaluation.</summary>
internal static class EvaluationBatch
{
    /// <summary>Separates the noise of evaluations from that of training.</summary>
    public const ulong NoiseKey = 0xE7A1UL << 48;

    /// <summary>The draw of the noise of a batch; the next ones are further draws for it.</summary>
    public static long DrawOf(long first, int batchSize) => (first / batchSize) << 20;

    /// <summary>Fills a program's inputs with the images from a position on, and what belongs to them.</summary>
    public static void Fill(ProgramRunner runner, ProgramSpec program, ImageSource source, long first)
    {
        if (program.Images.Type == ElementType.Float32)
        {
            ReadValues(source, first, runner.Input<float>(program.Images.Name));
        }
        else
        {
            ReadImages(source, first, runner.Input<byte>(program.Images.Name));
        }

        if (program.Labels is { } labels)
        {
            ReadLabels(source, first, runner.Input<long>(labels.Name));
        }

        if (program.Conditions is { } conditions)
        {
            ReadConditions(source, first, runner.Input<float>(conditions.Name));
        }
    }

    private static void ReadConditions(ImageSource source, long first, Span<float> conditions)
    {
        int size = source.ConditionSize, rows = conditions.Length / size;
        for (int i = 0; i < rows; i++)
        {
            source.ReadCondition(IndexAt(i, rows, first, source.Count), conditions.Slice(i * size, size));
        }
    }

    private static void ReadLabels(ImageSource source, long first, Span<long> labels)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = source.LabelOf(IndexAt(i, labels.Length, first, source.Count));
        }
    }

    private static void ReadImages(ImageSource source, long first, Span<byte> images)
    {
        int rows = images.Length / source.ImageSize;
        for (int i = 0; i < rows; i++)
        {
            source.Read(IndexAt(i, rows, first, source.Count), images.Slice(i * source.ImageSize, source.ImageSize));
        }
    }

    private static void ReadValues(ImageSource source, long first, Span<float> images)
    {
        int rows = images.Length / source.ImageSize;
        for (int i = 0; i < rows; i++)
        {
            source.ReadValues(IndexAt(i, rows, first, source.Count), images.Slice(i * source.ImageSize, source.ImageSize));
        }
    }

    // A partial batch is filled up from the beginning of the data, since models that compare the images of a batch need others. Its last row, whose
    // latents the first row is decoded from, is a different image from the first.
    private static long IndexAt(int row, int rows, long first, long count) =>
        row == rows - 1 && row % count == 0 ? (first + count - 1) % count : (first + row) % count;
}
