using System.Collections.Immutable;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

/// <summary>
/// Everything that the three convolution primitives share: sizes of the image and of the kernel, and how the kernel
/// moves. Symmetric zero padding, any number of spatial dimensions.
/// </summary>
/// <param name="ImageSize">Spatial sizes of the convolution's input.</param>
/// <param name="KernelSize">Spatial sizes of the kernel.</param>
/// <param name="Strides">Step of the kernel per dimension.</param>
/// <param name="Padding">Zeros on each side per dimension.</param>
/// <param name="Dilations">Distance between kernel taps per dimension.</param>
/// <param name="Groups">Number of channel groups.</param>
public sealed record ConvolutionGeometry(
    ImmutableArray<long> ImageSize,
    ImmutableArray<long> KernelSize,
    ImmutableArray<long> Strides,
    ImmutableArray<long> Padding,
    ImmutableArray<long> Dilations,
    long Groups = 1)
{
    /// <summary>Number of spatial dimensions.</summary>
    public int SpatialRank => KernelSize.Length;

    /// <summary>Spatial sizes of the convolution's output: floor((image + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.</summary>
    public ImmutableArray<long> OutputSize => [.. Enumerable.Range(0, SpatialRank).Select(i =>
        ((ImageSize[i] + (2 * Padding[i]) - (Dilations[i] * (KernelSize[i] - 1)) - 1) / Strides[i]) + 1)];

    /// <summary>Image rows and columns at the far edges that no kernel position reaches: the <c>output_padding</c> of a transposed convolution.</summary>
    public ImmutableArray<long> Remainder => [.. Enumerable.Range(0, SpatialRank).Select(i =>
        (ImageSize[i] + (2 * Padding[i]) - (Dilations[i] * (KernelSize[i] - 1)) - 1) % Strides[i])];

    /// <summary>Whether <see cref="Flipped"/> exists: stride 1, and padding less than the kernel's extent.</summary>
    public bool CanFlip => Strides.All(stride => stride == 1) && Enumerable.Range(0, SpatialRank).All(i => FlippedPadding(i) >= 0);

    /// <summary>The geometry of the convolution, with flipped kernels, that maps output gradients to input gradients.</summary>
    public ConvolutionGeometry Flipped => this with { ImageSize = OutputSize, Padding = [.. Enumerable.Range(0, SpatialRank).Select(FlippedPadding)] };

    /// <summary>Whether the windows cover the image without overlap, gap or padding.</summary>
    public bool IsTiling => Strides.SequenceEqual(KernelSize) && Padding.All(p => p == 0) && Dilations.All(d => d == 1) && Remainder.All(r => r == 0);

    /// <summary>Whether the kernel covers the whole image, at one position.</summary>
    public bool CoversImage => KernelSize.SequenceEqual(ImageSize) && Padding.All(p => p == 0) && Dilations.All(d => d == 1) && Groups == 1;

    /// <summary>The taps of the kernel, in row-major order, from the last to the first.</summary>
    internal long[] ReversedTaps => Reversed(KernelSize.Product());

    /// <summary>The indices of a kernel's taps, last first.</summary>
    internal static long[] Reversed(long taps) => [.. Enumerable.Range(0, (int)taps).Select(tap => taps - 1 - tap)];

    /// <summary>A bound on the windows that a pixel lies in: per axis, at most the number of taps, of outputs, or of strides in the kernel's extent.</summary>
    internal long MostWindowsOfPixel => Enumerable.Range(0, SpatialRank)
        .Select(i => Math.Min(Math.Min(KernelSize[i], OutputSize[i]), ((Dilations[i] * (KernelSize[i] - 1)) / Strides[i]) + 1)).Product();

    /// <summary>Windows that tile images of shape [N, C, image...].</summary>
    public static ConvolutionGeometry Tiles(Shape images, ImmutableArray<long> size) =>
        new([.. images.Skip(2)], size, size, [.. size.Select(_ => 0L)], [.. size.Select(_ => 1L)]);

    /// <summary>
    /// For each position of the kernel and each of its taps, both in row-major order, the pixel under the tap; where that is
    /// outside the image, the number of pixels.
    /// </summary>
    internal long[] PixelsUnderTaps()
    {
        long[] pixels = [0];
        long taps = 1, outside = ImageSize.Product();
        for (int axis = 0; axis < SpatialRank; axis++)
        {
            pixels = [.. UnderTapsOf(axis, pixels, taps)];
            taps *= KernelSize[axis];
        }

        return [.. pixels.Select(pixel => pixel < 0 ? outside : pixel)];
    }

    /// <summary>
    /// For each pixel the first window that it lies in, then for each pixel the second, up to the pixel with the most windows; where a
    /// pixel has fewer, the number of windows.
    /// </summary>
    internal IReadOnlyList<long[]> WindowsOfPixels()
    {
        long taps = KernelSize.Product(), windows = OutputSize.Product();
        return InverseIndex.Of([.. PixelsUnderTaps()], ImageSize.Product(), position => position / taps, none: windows);
    }

    private long FlippedPadding(int i) => (Dilations[i] * (KernelSize[i] - 1)) - Padding[i];

    // Extends the pixels under the taps of the preceding axes, [positions, taps], by one more axis; outside the image they are negative.
    private IEnumerable<long> UnderTapsOf(int axis, long[] before, long tapsBefore)
    {
        long outputs = OutputSize[axis], taps = KernelSize[axis];
        for (long position = 0; position < before.Length / tapsBefore * outputs; position++)
        {
            for (long tap = 0; tap < tapsBefore * taps; tap++)
            {
                long outer = before[(position / outputs * tapsBefore) + (tap / taps)];
                long inner = (position % outputs * Strides[axis]) + (tap % taps * Dilations[axis]) - Padding[axis];
                yield return outer < 0 || inner < 0 || inner >= ImageSize[axis] ? -1 : (outer * ImageSize[axis]) + inner;
            }
        }
    }
}
