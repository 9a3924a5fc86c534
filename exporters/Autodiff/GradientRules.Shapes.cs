using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    private static readonly Dictionary<string, GradientRule> Shapes = new()
    {
        ["Reshape"] = (y, dy) => [Reshape(dy, y.Inputs[0].Shape), null],
        ["Transpose"] = (y, dy) => [Transpose(dy, Inverse(y.Producer!.Attribute<long[]>("perm")))],
        ["Concat"] = (y, dy) => Split(dy, (int)y.Producer!.Attribute<long>("axis"), y.Inputs),
        ["Slice"] = (y, dy) => [PadLike(y.Inputs[0], dy, (int)Ints(y.Inputs[3])[0], Ints(y.Inputs[1])[0]), null, null, null],
        ["Pad"] = (y, dy) => [Crop(dy, y.Inputs[0].Shape, Ints(y.Inputs[1])), null],
        ["ReduceSum"] = (y, dy) => [Reshape(dy, WithOnes(y.Inputs[0].Shape, Ints(y.Inputs[1]))), null],
    };

    private static ReadOnlySpan<long> Ints(Value constant) => constant.Constant!.As<long>();

    private static int[] Inverse(long[] permutation) => [.. Enumerable.Range(0, permutation.Length).OrderBy(i => permutation[i])];

    private static Value[] Split(Value dy, int axis, IEnumerable<Value> parts)
    {
        long start = 0;
        return [.. parts.Select(part => Slice(dy, axis, start, start += part.Shape[axis]))];
    }

    private static Value PadLike(Value x, Value dy, int axis, long start) =>
        Pad(dy, axis, start, x.Shape[axis] - start - dy.Shape[axis]);

    private static Value Crop(Value dy, Shape shape, ReadOnlySpan<long> pads)
    {
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            dy = Slice(dy, axis, pads[axis], pads[axis] + shape[axis]);
        }

        return dy;
    }

    // The summed axes come back with size 1; the walk broadcasts.
    private static Shape WithOnes(Shape shape, ReadOnlySpan<long> axes)
    {
        foreach (long axis in axes)
        {
            shape = shape.With((int)axis, 1);
        }

        return shape;
    }
}
