using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>Holes in images, distributed as in the training of models that complete images: rectangles, halves, scattered pixels.</summary>
public static class HoleMask
{
    private const uint Stream = 0x686F;
    private const double Smallest = 0.25, Range = 0.5;

    /// <summary>Draws the hole of an image.</summary>
    /// <param name="seed">Random seed.</param>
    /// <param name="index">The image's number.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="isVisible">Receives whether each pixel is visible, [H, W].</param>
    public static void Draw(ulong seed, long index, int height, int width, Span<bool> isVisible)
    {
        Span<float> draws = new float[5 + isVisible.Length];
        Philox.FillUniform(draws, seed, Stream, (ulong)index);
        var (a, b, c, d) = (draws[1], draws[2], draws[3], draws[4]);
        var (top, bottom) = Interval(height, a, b);
        var (left, right) = Interval(width, c, d);
        for (int i = 0; i < isVisible.Length; i++)
        {
            var (row, column) = Math.DivRem(i, width);
            isVisible[i] = draws[0] switch
            {
                < 1f / 3 => row < top || row >= bottom || column < left || column >= right,
                < 2f / 3 => (a < 0.5f ? row + 0.5 < height / 2.0 : column + 0.5 < width / 2.0) != b < 0.5f,
                _ => draws[5 + i] >= Smallest + (Range * a),
            };
        }
    }

    /// <summary>Hides pixels in the condition of a model that completes images.</summary>
    /// <param name="condition">An image and a further channel, Float32 [C + 1, H, W]; hidden pixels become 0, the channel 1 where they are visible.</param>
    /// <param name="isVisible">Whether each pixel is visible, [H, W].</param>
    public static void Hide(Span<float> condition, ReadOnlySpan<bool> isVisible)
    {
        int image = condition.Length - isVisible.Length;
        for (int i = 0; i < condition.Length; i++)
        {
            condition[i] = !isVisible[i % isVisible.Length] ? 0 : i < image ? condition[i] : 1;
        }
    }

    // A quarter to three quarters of an axis, anywhere on it.
    private static (int First, int End) Interval(int length, double size, double place)
    {
        int extent = (int)(length * (Smallest + (Range * size))) + 1, first = (int)(place * (length + 1 - extent));
        return (first, first + extent);
    }
}
