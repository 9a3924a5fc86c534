namespace OnnxVae.Exporters.Onnx;

/// <summary>
/// Operators of the <see cref="Value"/> graph that are not part of ONNX. Gradient rules see them as one operation each;
/// <see cref="Expansion.Expander"/> replaces them by standard operators when a model is written.
/// </summary>
public static class Primitive
{
    /// <summary>Convolution of an input with a weight: <see cref="Ops.Convolution"/>.</summary>
    public const string Convolution = nameof(Convolution);

    /// <summary>Gradient of a convolution to its input, which is what a transposed convolution computes.</summary>
    public const string ConvolutionInput = nameof(ConvolutionInput);

    /// <summary>Gradient of a convolution to its weight.</summary>
    public const string ConvolutionWeight = nameof(ConvolutionWeight);

    /// <summary>A clip without a gradient at its limits: <see cref="Ops.HardTanh"/>.</summary>
    public const string HardTanh = nameof(HardTanh);

    /// <summary>ln(1 + e^x): <see cref="Ops.Softplus"/>.</summary>
    public const string Softplus = nameof(Softplus);

    /// <summary>x / (1 + e^-x): <see cref="Ops.Silu"/>.</summary>
    public const string Silu = nameof(Silu);

    /// <summary>Sums rows at positions, the gradient of a gather: <see cref="Ops.ScatterAdd"/>.</summary>
    public const string ScatterAdd = nameof(ScatterAdd);

    /// <summary>Shifts and scales to mean 0 and variance 1: <see cref="Ops.Standardize"/>.</summary>
    public const string Standardize = nameof(Standardize);

    /// <summary>The scale of a standardization: <see cref="Ops.InverseDeviation"/>.</summary>
    public const string InverseDeviation = nameof(InverseDeviation);

    /// <summary>One value forward, the gradient to another: <see cref="Ops.StraightThrough"/>.</summary>
    public const string StraightThrough = nameof(StraightThrough);

    /// <summary>The identity, through which no gradient flows.</summary>
    public const string StopGradient = nameof(StopGradient);
}
