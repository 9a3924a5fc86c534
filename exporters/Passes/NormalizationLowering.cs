using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Passes;

/// <summary>
/// Normalization over the last axes is ONNX's LayerNormalization, which returns the scale as well; over other axes it is
/// written out.
/// </summary>
internal static class NormalizationLowering
{
    public static Value Normalize(Value x, long[] axes, float epsilon) => IsLast(x, axes)
        ? LayerNormalization(x, (int)axes[0], epsilon).Normalized
        : Centred(x, axes) * ReciprocalDeviation(x, axes, epsilon);

    public static Value ReciprocalDeviation(Value x, long[] axes, float epsilon) => IsLast(x, axes)
        ? LayerNormalization(x, (int)axes[0], epsilon).ReciprocalDeviation
        : 1f / Sqrt(ReduceMean(Square(Centred(x, axes)), Ints(axes), keepDimensions: true) + epsilon);

    private static Value Centred(Value x, long[] axes) => x - ReduceMean(x, Ints(axes), keepDimensions: true);

    private static bool IsLast(Value x, long[] axes) =>
        axes.SequenceEqual(Enumerable.Range(0, axes.Length).Select(i => (long)(x.Shape.Rank - axes.Length + i))) && !x.Shape.Skip((int)axes[0]).Contains(Shape.Batch);

    private static int[] Ints(long[] axes) => [.. axes.Select(axis => (int)axis)];
}
