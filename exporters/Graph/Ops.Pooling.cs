using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>The largest entry under each position of a kernel; pixels outside the image never win.</summary>
    /// <param name="x">Float32 [N, C, image...].</param>
    /// <param name="geometry">How the kernel moves; groups have no meaning here.</param>
    /// <returns>
    /// The maxima, Float32 [N, C, output...], and where they were found, Int64 of the same shape, as positions in x; the
    /// first of several equal ones.
    /// </returns>
    public static (Value Maxima, Value Positions) MaxPool(Value x, ConvolutionGeometry geometry)
    {
        var shape = Pooled(nameof(MaxPool), x, geometry);
        var outputs = ApplyMany(
            nameof(MaxPool), [(x.Type, shape), (ElementType.Int64, shape)], [x],
            [.. KernelAttributes(geometry), ("dilations", geometry.Dilations.ToArray()), (nameof(geometry), geometry)]);
        return (outputs[0], outputs[1]);
    }

    /// <summary>The mean under each position of a kernel; zeros outside the image count.</summary>
    /// <param name="x">Float32 [N, C, image...].</param>
    /// <param name="geometry">How the kernel moves; not dilated, and groups have no meaning here.</param>
    /// <returns>Float32 [N, C, output...].</returns>
    public static Value AveragePool(Value x, ConvolutionGeometry geometry)
    {
        Require(geometry.Dilations.All(dilation => dilation == 1), nameof(AveragePool), $"the kernel of '{x}' is dilated.");
        return Apply(
            nameof(AveragePool), x.Type, Pooled(nameof(AveragePool), x, geometry), [x],
            [.. KernelAttributes(geometry), ("count_include_pad", 1L), (nameof(geometry), geometry)]);
    }

    private static Shape Pooled(string operatorType, Value x, ConvolutionGeometry geometry)
    {
        RequireSpatial(operatorType, x, geometry.ImageSize);
        RequireRoom(operatorType, geometry);
        return [x.Shape[0], x.Shape[1], .. geometry.OutputSize];
    }
}
