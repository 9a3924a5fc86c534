using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    // Normalization y = (x - mean) r and its scale r = (variance + epsilon)^(-1/2) are closed under differentiation.
    private static readonly Dictionary<string, GradientRule> Normalizations = new()
    {
        [Primitive.Normalize] = (y, dy) => [ReciprocalDeviation(y.Inputs[0], Axes(y), Epsilon(y)) * (dy - AxisMean(dy, y) - (y * AxisMean(dy * y, y)))],
        [Primitive.ReciprocalDeviation] = (r, dr) => [dr * (-1f / AxisCount(r)) * Square(r) * Normalize(r.Inputs[0], Axes(r), Epsilon(r))],
        ["Softmax"] = (y, dy) => [y * (dy - ReduceSum(dy * y, [Axis(y)], keepDimensions: true))],
        ["LogSoftmax"] = (y, dy) => [dy - (Exp(y) * ReduceSum(dy, [Axis(y)], keepDimensions: true))],
    };

    private static int[] Axes(Value y) => [.. y.Producer!.Attribute<long[]>("axes").Select(axis => (int)axis)];

    private static float Epsilon(Value y) => y.Producer!.Attribute<float>("epsilon");

    private static Value AxisMean(Value dy, Value y) => ReduceMean(dy, Axes(y), keepDimensions: true);

    private static float AxisCount(Value r) => Axes(r).Aggregate(1L, (count, axis) => count * r.Inputs[0].Shape[axis]);
}
