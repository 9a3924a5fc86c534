using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>Shifts and scales x to mean 0 and variance 1: (x - mean) / sqrt(variance + epsilon), both taken over axes.</summary>
    /// <remarks>What batch, layer, group and instance normalization have in common; the variance divides by the number of entries.</remarks>
    /// <param name="x">Float32.</param>
    /// <param name="axes">The axes that share a mean; negative ones count from the last.</param>
    /// <param name="epsilon">Keeps the quotient finite.</param>
    public static Value Normalize(Value x, ReadOnlySpan<int> axes, float epsilon) => Apply(
        Primitive.Normalize, x.Type, x.Shape, [x], StandardizationAttributes(Primitive.Normalize, x, axes, epsilon));

    /// <summary>The scale of a normalization (rstd): 1 / sqrt(variance + epsilon), where the axes have size 1.</summary>
    /// <inheritdoc cref="Normalize"/>
    public static Value ReciprocalDeviation(Value x, ReadOnlySpan<int> axes, float epsilon)
    {
        var attributes = StandardizationAttributes(Primitive.ReciprocalDeviation, x, axes, epsilon);
        var reduced = axes.ToArray().Select(axis => x.Shape.Axis(axis)).ToHashSet();
        return Apply(Primitive.ReciprocalDeviation, x.Type, [.. x.Shape.Select((d, i) => reduced.Contains(i) ? 1 : d)], [x], attributes);
    }

    /// <summary>Probabilities proportional to e^x along an axis. Float32.</summary>
    public static Value Softmax(Value x, int axis) => Unary(nameof(Softmax), x, ("axis", (long)x.Shape.Axis(axis)));

    /// <summary>The logarithms of <see cref="Softmax"/>. Float32.</summary>
    public static Value LogSoftmax(Value x, int axis) => Unary(nameof(LogSoftmax), x, ("axis", (long)x.Shape.Axis(axis)));

    /// <summary>Shifts and scales x to mean 0 and variance 1 within groups of channels. Float32 [N, C, ...].</summary>
    /// <remarks>Wu and He 2018, arXiv 1803.08494.</remarks>
    internal static Value NormalizeGroups(Value x, long groups, float epsilon)
    {
        Require(groups > 0 && x.Shape[1] % groups == 0, Primitive.Normalize, $"the channels of '{x}' do not fall into {groups} equal groups.");
        var grouped = Reshape(x, [x.Shape[0], groups, x.Shape[1] / groups, .. x.Shape.Skip(2)]);
        return Reshape(Normalize(grouped, [.. Enumerable.Range(2, x.Shape.Rank - 1)], epsilon), x.Shape);
    }

    /// <summary>ln(sum(e^x)) along an axis, which is removed; the maximum is factored out, so nothing overflows. Float32.</summary>
    public static Value LogSumExp(Value x, int axis)
    {
        var max = StopGradient(Clip(ReduceMax(x, [axis], keepDimensions: true), float.MinValue, float.MaxValue)); // no infinity minus itself
        return ReduceSum(max, [axis]) + Log(ReduceSum(Exp(x - max), [axis]));
    }

    // The operator that normalizations over the last axes are lowered to: (y, mean, rstd), without a learned scale.
    internal static (Value Normalized, Value ReciprocalDeviation) LayerNormalization(Value x, int axis, float epsilon)
    {
        Shape reduced = [.. x.Shape.Take(axis), .. Enumerable.Repeat(1L, x.Shape.Rank - axis)];
        var outputs = ApplyMany(
            nameof(LayerNormalization),
            [(x.Type, x.Shape), (x.Type, reduced), (x.Type, reduced)],
            [x, ConstantOfShape([.. x.Shape.Skip(axis)], 1f)],
            ("axis", (long)axis), ("epsilon", epsilon));
        return (outputs[0], outputs[2]);
    }

    private static (string, object)[] StandardizationAttributes(string operatorType, Value x, ReadOnlySpan<int> axes, float epsilon)
    {
        RequireFloat(operatorType, x);
        Require(epsilon > 0, operatorType, $"epsilon is {epsilon}; it must be positive.");
        return [("axes", axes.ToArray().Select(axis => (long)x.Shape.Axis(axis)).Distinct().Order().ToArray()), ("epsilon", epsilon)];
    }
}
