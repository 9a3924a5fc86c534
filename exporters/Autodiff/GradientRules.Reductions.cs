using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    private static readonly Dictionary<string, GradientRule> Reductions = new()
    {
        ["ReduceSum"] = (y, dy) => [KeepAxes(dy, y), null],
        ["ReduceMean"] = (y, dy) => [KeepAxes(dy, y) * ((float)y.Shape.ElementCount / y.Inputs[0].Shape.ElementCount), null],
        ["CumSum"] = (y, dy) => [CumSum(dy, (int)Ints(y.Inputs[1])[0], y.Producer!.Attribute<long>("exclusive") != 0, y.Producer!.Attribute<long>("reverse") == 0), null],
        ["TopK"] = (y, dy) => [ScatterElements(ConstantOfShape(y.Inputs[0].Shape, 0f), y.Producer!.Outputs[1], dy, Axis(y)), null],
        ["ReduceMax"] = (y, dy) => [KeepAxes(dy, y) * EqualShare(y.Inputs[0], KeepAxes(y, y), y.Inputs[1]), null],
    };

    // The reduced axes come back with size 1; the walk broadcasts.
    private static Value KeepAxes(Value dy, Value y)
    {
        var shape = y.Inputs[0].Shape;
        foreach (long axis in Ints(y.Inputs[1]))
        {
            shape = shape.With((int)axis, 1);
        }

        return Reshape(dy, shape);
    }

    // 1 where x is its maximum, divided among equal ones, as in libtorch's amax.
    private static Value EqualShare(Value x, Value max, Value axes)
    {
        var hit = Cast(Equal(x, max), ElementType.Float32);
        return hit / ReduceSum(hit, [.. Ints(axes).ToArray().Select(axis => (int)axis)], keepDimensions: true);
    }
}
