using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    private static readonly Dictionary<string, GradientRule> Poolings = new()
    {
        ["MaxPool"] = (y, dy) => [MaxUnpool(y, dy, Geometry(y))],
        ["AveragePool"] = (y, dy) => [AverageUnpool(dy, y.Inputs[0].Shape, Geometry(y))],
    };

    // Beyond these limits, the gathers below would fill the memory: the windows that one pixel may lie in, and the taps of all windows.
    private const long MostWindowsOfPixel = 64;
    private const long MostTaps = 1 << 24;

    // Every pixel checks whether it was the maximum of the windows it lies in: gathers only, whose order is fixed. If windows are large, their
    // gradients are added where their maxima were found.
    private static Value MaxUnpool(Value y, Value dy, ConvolutionGeometry kernel)
    {
        var shape = y.Inputs[0].Shape;
        if (kernel.MostWindowsOfPixel > MostWindowsOfPixel || kernel.OutputSize.Product() * kernel.KernelSize.Product() > MostTaps)
        {
            var places = Reshape(y.Producer!.Outputs[1], [dy.Shape.ElementCount]);
            return Reshape(ScatterAdd(Reshape(dy, places.Shape), 0, places, shape.ElementCount), shape);
        }

        long pixels = kernel.ImageSize.Product(), windows = kernel.OutputSize.Product();
        Shape perWindow = [shape[0], shape[1], windows];
        var winners = Mod(Reshape(y.Producer!.Outputs[1], perWindow), Value.Indices(pixels));
        var gradients = Pad(Reshape(dy, perWindow), axis: 2, before: 0, after: 1); // the extra window stands for none
        winners = Pad(winners, axis: 2, before: 0, after: 1);

        var pixel = Value.Indices([.. Enumerable.Range(0, (int)pixels)]);
        var dx = kernel.WindowsOfPixels()
            .Select(window => Gather(gradients, 2, window) * Cast(Equal(Gather(winners, 2, window), pixel), ElementType.Float32))
            .Aggregate((sum, term) => sum + term);
        return Reshape(dx, shape);
    }

    // A mean is a per-channel convolution with equal weights; if windows neither overlap nor leave gaps,
    // its gradient repeats each number.
    private static Value AverageUnpool(Value dy, Shape shape, ConvolutionGeometry kernel)
    {
        float weight = 1f / kernel.KernelSize.Product();
        if (kernel.IsTiling)
        {
            return weight * Resize(dy, [.. Enumerable.Range(0, kernel.SpatialRank).Select(i =>
                new Interpolation(InterpolationMethod.Nearest, PixelGrid.Corner, kernel.OutputSize[i], kernel.ImageSize[i]))]);
        }

        var weights = ConstantOfShape([1, 1, .. kernel.KernelSize], weight);
        return Reshape(ConvolutionInputGradient(Reshape(dy, [shape[0] * shape[1], 1, .. kernel.OutputSize]), weights, kernel with { Groups = 1 }), shape);
    }
}
