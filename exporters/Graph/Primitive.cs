namespace OnnxVae.Exporters.Graph;

/// <summary>
/// Operators of the <see cref="Value"/> graph that are not part of ONNX. Gradient rules see them as one operation each;
/// a pass of the compiler replaces them with standard operators when a model is written.
/// </summary>
public static class Primitive
{
    /// <summary>Convolution of an input with a weight: <see cref="Ops.Convolution"/>.</summary>
    public const string Convolution = nameof(Convolution);

    /// <summary>Input gradient of a convolution, which is what a transposed convolution computes.</summary>
    public const string ConvolutionInputGradient = nameof(ConvolutionInputGradient);

    /// <summary>Weight gradient of a convolution.</summary>
    public const string ConvolutionWeightGradient = nameof(ConvolutionWeightGradient);

    /// <summary>A clip without a gradient at its limits: <see cref="Ops.HardTanh"/>.</summary>
    public const string HardTanh = nameof(HardTanh);

    /// <summary>ln(1 + e^x): <see cref="Ops.Softplus"/>.</summary>
    public const string Softplus = nameof(Softplus);

    /// <summary>x / (1 + e^-x): <see cref="Ops.Silu"/>.</summary>
    public const string Silu = nameof(Silu);

    /// <summary>Sums rows at positions, the gradient of a gather: <see cref="Ops.ScatterAdd"/>.</summary>
    public const string ScatterAdd = nameof(ScatterAdd);

    /// <summary>Shifts and scales to mean 0 and variance 1: <see cref="Ops.Normalize"/>.</summary>
    public const string Normalize = nameof(Normalize);

    /// <summary>The scale of a normalization: <see cref="Ops.ReciprocalDeviation"/>.</summary>
    public const string ReciprocalDeviation = nameof(ReciprocalDeviation);

    /// <summary>One value forward, the gradient to another: <see cref="Ops.StraightThrough"/>.</summary>
    public const string StraightThrough = nameof(StraightThrough);

    /// <summary>A sum over the batch, of which a part of the batch has its share: <see cref="Ops.SumOverParts"/>.</summary>
    public const string SumOverParts = nameof(SumOverParts);

    /// <summary>What the first part of the batch says: <see cref="Ops.OfFirstPart"/>.</summary>
    public const string OfFirstPart = nameof(OfFirstPart);

    /// <summary>The identity, through which no gradient flows.</summary>
    public const string StopGradient = nameof(StopGradient);
}
