using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// A line across an axis of an image whose pixels contribute to only one line of outputs, through one tap along the axis. Between the two, the
/// convolution is one along the other axis.
/// </summary>
/// <param name="Axis">0 where the line is a row, 1 where it is a column.</param>
/// <param name="Pixel">Where it lies along the axis.</param>
/// <param name="Output">Where the outputs lie along it.</param>
/// <param name="Tap">The tap along it.</param>
internal readonly record struct BorderStrip(int Axis, long Pixel, long Output, long Tap)
{
    /// <summary>Its pixels.</summary>
    public IEnumerable<(long Y, long X)> Pixels(ConvolutionGeometry geometry) => Across(Pixel, geometry.ImageSize);

    /// <summary>The outputs that it contributes to.</summary>
    public IEnumerable<(long Y, long X)> Outputs(ConvolutionGeometry geometry) => Across(Output, geometry.OutputSize);

    /// <summary>Which products of taps and outputs along the line add up to each of its pixels: Float32 [pixels, taps outputs], 0 and 1.</summary>
    public Value Sums(ConvolutionGeometry geometry)
    {
        int along = 1 - Axis;
        var (pixels, taps, outputs) = ((int)geometry.ImageSize[along], (int)geometry.KernelSize[along], (int)geometry.OutputSize[along]);
        float[] meets =
        [
            .. from pixel in Enumerable.Range(0, pixels)
               from tap in Enumerable.Range(0, taps)
               from output in Enumerable.Range(0, outputs)
               select (geometry.Strides[along] * output) + tap - geometry.Padding[along] == pixel ? 1f : 0f,
        ];
        return Value.Of<float>([pixels, taps * outputs], meets);
    }

    private IEnumerable<(long Y, long X)> Across(long at, IReadOnlyList<long> size)
    {
        bool isRow = Axis == 0;
        return Enumerable.Range(0, (int)size[1 - Axis]).Select(i => isRow ? (at, (long)i) : (i, at));
    }
}
