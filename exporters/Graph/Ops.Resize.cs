namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>Interpolates the spatial axes of images to given sizes.</summary>
    /// <param name="x">Float32 [N, C, image...].</param>
    /// <param name="interpolation">The interpolations, one for each spatial axis.</param>
    /// <returns>Float32 [N, C, output...].</returns>
    public static Value Resize(Value x, params ReadOnlySpan<Interpolation> interpolation)
    {
        var axes = interpolation.ToArray();
        var method = axes[0].Method;
        RequireSpatial(nameof(Resize), x, [.. axes.Select(axis => axis.Input)]);
        Require(
            method != InterpolationMethod.Nearest || axes.All(axis => axis.IsRepetition),
            nameof(Resize), $"nearest pixels of '{x}' are not repeated equally often; take Gather with NearestPixels.");
        Require(axes.All(axis => axis.Method == method && axis.Grid == axes[0].Grid), nameof(Resize), $"'{x}' has one method and one grid for all axes.");

        // Scales rather than sizes if the factor was given: it need not be the quotient of the sizes.
        var scales = Value.Of<float>([axes.Length], [.. axes.Select(axis => (float)axis.Factor)]);
        var sizes = Value.Indices([.. axes.Select(axis => axis.Output)]);
        return Apply(
            nameof(Resize), x.Type, [x.Shape[0], x.Shape[1], .. axes.Select(axis => axis.Output)],
            axes.All(axis => axis.IsExact) ? [x, Value.Absent, Value.Absent, sizes] : [x, Value.Absent, scales],
            ("axes", Enumerable.Range(2, axes.Length).Select(axis => (long)axis).ToArray()),
            ("coordinate_transformation_mode", OnnxName(axes[0].Grid)),
            ("cubic_coeff_a", (float)Interpolation.CubicCoefficient),
            ("mode", OnnxName(method)),
            ("nearest_mode", "floor"),
            ("interpolation", axes));
    }

    private static string OnnxName(InterpolationMethod method) => method switch
    {
        InterpolationMethod.Nearest => "nearest",
        InterpolationMethod.Linear => "linear",
        _ => "cubic",
    };

    private static string OnnxName(PixelGrid grid) => grid switch
    {
        PixelGrid.Corner => "asymmetric",
        PixelGrid.AlignedCorners => "align_corners",
        _ => "half_pixel",
    };
}
