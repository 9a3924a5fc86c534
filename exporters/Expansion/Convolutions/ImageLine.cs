using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>
/// A line across an axis of an image, whose pixels meet one line of outputs only, at one tap along the axis. Between the two, the
/// convolution is one along the other axis.
/// </summary>
/// <param name="Axis">0 where the line is a row, 1 where it is a column.</param>
/// <param name="Pixel">Where it lies in the image.</param>
/// <param name="Output">Where the outputs lie.</param>
/// <param name="Tap">The tap.</param>
internal readonly record struct ImageLine(int Axis, long Pixel, long Output, long Tap)
{
    /// <summary>Its pixels.</summary>
    public IEnumerable<(long Y, long X)> Pixels(ConvolutionGeometry geometry) => Across(Pixel, geometry.ImageSize);

    /// <summary>The outputs that it meets.</summary>
    public IEnumerable<(long Y, long X)> Outputs(ConvolutionGeometry geometry) => Across(Output, geometry.OutputSize);

    /// <summary>The convolution between the two.</summary>
    public ConvolutionGeometry Geometry(ConvolutionGeometry geometry) => geometry with
    {
        ImageSize = geometry.ImageSize.SetItem(Axis, 1),
        KernelSize = geometry.KernelSize.SetItem(Axis, 1),
        Strides = geometry.Strides.SetItem(Axis, 1),
        Padding = geometry.Padding.SetItem(Axis, 0),
    };

    private IEnumerable<(long Y, long X)> Across(long at, IReadOnlyList<long> size)
    {
        bool isRow = Axis == 0;
        return Enumerable.Range(0, (int)size[1 - Axis]).Select(i => isRow ? (at, (long)i) : (i, at));
    }
}
