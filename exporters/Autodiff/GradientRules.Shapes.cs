using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    private static readonly Dictionary<string, GradientRule> Shapes = new()
    {
        ["Reshape"] = (y, dy) => [Reshape(dy, y.Inputs[0].Shape), null],
        ["Transpose"] = (y, dy) => [Transpose(dy, Inverse(y.Producer!.Attribute<long[]>("perm")))],
        ["Concat"] = (y, dy) => Parts(dy, (int)y.Producer!.Attribute<long>("axis"), y.Inputs),
        ["Slice"] = (y, dy) => [PutBack(y.Inputs[0].Shape, dy, Ints(y.Inputs[1])[0], (int)Ints(y.Inputs[3])[0], Ints(y.Inputs[4])[0]), null, null, null, null],
        ["Pad"] = (y, dy) => [Crop(dy, y.Inputs[0].Shape, Ints(y.Inputs[1])), null, null],
        ["Gather"] = (y, dy) => [ScatterAdd(dy, Axis(y), y.Inputs[1], y.Inputs[0].Shape[Axis(y)]), null],
        ["GatherElements"] = (y, dy) => [ScatterElements(ConstantOfShape(y.Inputs[0].Shape, 0f), y.Inputs[1], dy, Axis(y)), null],
        ["ScatterElements"] = (y, dy) => [dy, null, GatherElements(dy, Axis(y), y.Inputs[1])],
        [Primitive.ScatterAdd] = (x, dx) => [Gather(dx, Axis(x), x.Inputs[1]), null],
        ["Resize"] = (y, dy) => [ResizeBack(dy, y.Producer!.Attribute<Interpolation[]>("interpolation")), .. Enumerable.Repeat<Value?>(null, y.Inputs.Length - 1)],
    };

    private static ReadOnlySpan<long> Ints(Value constant) => constant.Constant!.As<long>();

    private static int[] Inverse(long[] permutation) => [.. Enumerable.Range(0, permutation.Length).OrderBy(i => permutation[i])];

    private static Value[] Parts(Value dy, int axis, IEnumerable<Value> parts)
    {
        long start = 0;
        return [.. parts.Select(part => Slice(dy, axis, start, start += part.Shape[axis]))];
    }

    private static int Axis(Value y) => (int)y.Producer!.Attribute<long>("axis");

    // Zeros for the entries that a slice left out: between its steps, before its start and after its end.
    private static Value PutBack(Shape shape, Value dy, long start, int axis, long step)
    {
        if (step > 1)
        {
            var spread = Pad(Reshape(dy, [.. dy.Shape.Take(axis + 1), 1, .. dy.Shape.Skip(axis + 1)]), axis + 1, 0, step - 1);
            dy = Reshape(spread, dy.Shape.With(axis, dy.Shape[axis] * step));
            dy = Slice(dy, axis, 0, Math.Min(dy.Shape[axis], shape[axis] - start));
        }

        return Pad(dy, axis, start, shape[axis] - start - dy.Shape[axis]);
    }

    // The transposed interpolation; for a repetition, the sum of the copies.
    private static Value ResizeBack(Value dy, Interpolation[] axes)
    {
        if (axes.All(axis => axis.IsRepetition))
        {
            ImmutableArray<long> factors = [.. axes.Select(axis => axis.Output / axis.Input)];
            return factors.Product() * AveragePool(dy, ConvolutionGeometry.Tiles(dy.Shape, factors));
        }

        return Enumerable.Range(0, axes.Length).Aggregate(dy, (dx, i) => axes[i].Taps.ApplyTransposed(dx, i + 2));
    }

    private static Value Crop(Value dy, Shape shape, ReadOnlySpan<long> pads)
    {
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            dy = Slice(dy, axis, pads[axis], pads[axis] + shape[axis]);
        }

        return dy;
    }
}
