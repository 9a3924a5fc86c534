using System.Collections.Immutable;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>A' B' + c, where a prime means transposed if asked for.</summary>
    /// <param name="a">Float32 [M, K], or [K, M] if <paramref name="transA"/>.</param>
    /// <param name="b">Float32 [K, N], or [N, K] if <paramref name="transB"/>.</param>
    /// <param name="c">Float32, broadcasts to [M, N]; optional.</param>
    /// <param name="transA">Whether a is transposed first.</param>
    /// <param name="transB">Whether b is transposed first.</param>
    /// <returns>Float32 [M, N].</returns>
    public static Value Gemm(Value a, Value b, Value? c = null, bool transA = false, bool transB = false)
    {
        RequireFloat(nameof(Gemm), a, b);
        Require(a.Shape.Rank == 2 && b.Shape.Rank == 2, nameof(Gemm), $"'{a}' and '{b}' must be matrices.");
        var (rows, inner) = transA ? (a.Shape[1], a.Shape[0]) : (a.Shape[0], a.Shape[1]);
        var (innerB, columns) = transB ? (b.Shape[1], b.Shape[0]) : (b.Shape[0], b.Shape[1]);
        Require(inner == innerB, nameof(Gemm), $"'{a}' has {Shape.Name(inner)} terms to sum, '{b}' has {Shape.Name(innerB)}.");
        Shape shape = [rows, columns];
        Require(c is null || c.Shape.BroadcastsTo(shape), nameof(Gemm), $"'{c}' does not broadcast to {shape}.");
        return Apply(
            nameof(Gemm), ElementType.Float32, shape, c is null ? [a, b] : [a, b, c],
            ("transA", transA ? 1L : 0L), ("transB", transB ? 1L : 0L));
    }

    /// <summary>Matrix products of the last two axes; the axes before them broadcast.</summary>
    /// <param name="a">Float32 [..., M, K].</param>
    /// <param name="b">Float32 [..., K, N].</param>
    /// <returns>Float32 [..., M, N].</returns>
    public static Value MatMul(Value a, Value b)
    {
        RequireFloat(nameof(MatMul), a, b);
        Require(a.Shape.Rank >= 2 && b.Shape.Rank >= 2, nameof(MatMul), $"'{a}' and '{b}' must have at least 2 axes.");
        Require(a.Shape[^1] == b.Shape[^2], nameof(MatMul), $"'{a}' has {Shape.Name(a.Shape[^1])} terms to sum, '{b}' has {Shape.Name(b.Shape[^2])}.");
        var batch = Shape.Broadcast([.. a.Shape.SkipLast(2)], [.. b.Shape.SkipLast(2)]);
        return Apply(nameof(MatMul), a.Type, [.. batch, a.Shape[^2], b.Shape[^1]], [a, b]);
    }

    /// <summary>Applies a matrix along one axis: y[..., i, ...] = sum over j of matrix[i, j] x[..., j, ...].</summary>
    /// <param name="matrix">Float32 [I, J].</param>
    /// <param name="x">Float32, with J entries along the axis.</param>
    /// <param name="axis">The axis.</param>
    public static Value MatMulAlong(Value matrix, Value x, int axis)
    {
        axis = x.Shape.Axis(axis);
        if (x.Shape.Rank == 1)
        {
            return Reshape(MatMul(matrix, Reshape(x, [x.Shape[0], 1])), [matrix.Shape[0]]);
        }

        if (axis == x.Shape.Rank - 1)
        {
            return MatMul(x, Transpose(matrix, 1, 0));
        }

        var rows = Reshape(x, [.. x.Shape.Take(axis + 1), x.Shape.Skip(axis + 1).Product()]);
        return Reshape(MatMul(matrix, rows), x.Shape.With(axis, matrix.Shape[0]));
    }

    /// <summary>Convolution (cross-correlation) of an image with a weight.</summary>
    /// <param name="x">Float32 [N, C, image...].</param>
    /// <param name="weight">Float32 [K, C / groups, kernel...].</param>
    /// <param name="geometry">How the kernel moves.</param>
    /// <returns>Float32 [N, K, output...].</returns>
    public static Value Convolution(Value x, Value weight, ConvolutionGeometry geometry)
    {
        RequireSpatial(Primitive.Convolution, x, geometry.ImageSize);
        RequireSpatial(Primitive.Convolution, weight, geometry.KernelSize);
        Require(
            x.Shape[1] == weight.Shape[1] * geometry.Groups,
            Primitive.Convolution, $"input has {x.Shape[1]} channels but weight {weight.Shape} in {geometry.Groups} group(s) expects {weight.Shape[1] * geometry.Groups}.");
        RequireRoom(Primitive.Convolution, geometry);
        return Apply(
            Primitive.Convolution, x.Type, [x.Shape[0], weight.Shape[0], .. geometry.OutputSize], [x, weight], (nameof(geometry), geometry));
    }

    /// <summary>The input gradient of a convolution; also called transposed convolution.</summary>
    /// <param name="dy">Float32 [N, K, output...].</param>
    /// <param name="weight">Float32 [K, C / groups, kernel...].</param>
    /// <param name="geometry">The convolution's geometry.</param>
    /// <returns>Float32 [N, C, image...].</returns>
    public static Value ConvolutionInputGradient(Value dy, Value weight, ConvolutionGeometry geometry)
    {
        RequireSpatial(Primitive.ConvolutionInputGradient, dy, geometry.OutputSize);
        RequireSpatial(Primitive.ConvolutionInputGradient, weight, geometry.KernelSize);
        Require(
            dy.Shape[1] == weight.Shape[0],
            Primitive.ConvolutionInputGradient, $"input has {dy.Shape[1]} channels but weight {weight.Shape} expects {weight.Shape[0]}.");
        return Apply(
            Primitive.ConvolutionInputGradient, dy.Type, [dy.Shape[0], weight.Shape[1] * geometry.Groups, .. geometry.ImageSize], [dy, weight], (nameof(geometry), geometry));
    }

    /// <summary>The weight gradient of a convolution.</summary>
    /// <param name="x">Float32 [N, C, image...].</param>
    /// <param name="dy">Float32 [N, K, output...].</param>
    /// <param name="geometry">The convolution's geometry.</param>
    /// <returns>Float32 [K, C / groups, kernel...].</returns>
    public static Value ConvolutionWeightGradient(Value x, Value dy, ConvolutionGeometry geometry)
    {
        RequireSpatial(Primitive.ConvolutionWeightGradient, x, geometry.ImageSize);
        RequireSpatial(Primitive.ConvolutionWeightGradient, dy, geometry.OutputSize);
        Require(x.Shape[0] == dy.Shape[0], Primitive.ConvolutionWeightGradient, $"'{x}' and '{dy}' have different batches.");
        return Apply(
            Primitive.ConvolutionWeightGradient, x.Type, [dy.Shape[1], x.Shape[1] / geometry.Groups, .. geometry.KernelSize], [x, dy], (nameof(geometry), geometry));
    }

    // The two ONNX operators that primitives are lowered to.
    internal static Value Conv(Value x, Value weight, ConvolutionGeometry geometry) => Apply(
        nameof(Conv), x.Type, [x.Shape[0], weight.Shape[0], .. geometry.OutputSize], [x, weight], OnnxAttributes(geometry));

    internal static Value ConvTranspose(Value dy, Value weight, ConvolutionGeometry geometry) => Apply(
        nameof(ConvTranspose), dy.Type, [dy.Shape[0], weight.Shape[1] * geometry.Groups, .. geometry.ImageSize], [dy, weight],
        [.. OnnxAttributes(geometry), ("output_padding", geometry.Remainder.ToArray())]);

    private static (string, object)[] OnnxAttributes(ConvolutionGeometry geometry) =>
        [.. KernelAttributes(geometry), ("dilations", geometry.Dilations.ToArray()), ("group", geometry.Groups)];

    private static (string, object)[] KernelAttributes(ConvolutionGeometry geometry) =>
    [
        ("kernel_shape", geometry.KernelSize.ToArray()),
        ("pads", (long[])[.. geometry.Padding, .. geometry.Padding]),
        ("strides", geometry.Strides.ToArray()),
    ];

    private static void RequireRoom(string operatorType, ConvolutionGeometry geometry) => Require(
        geometry.OutputSize.All(size => size > 0),
        operatorType, $"an image of [{string.Join(", ", geometry.ImageSize)}] is smaller than the kernel [{string.Join(", ", geometry.KernelSize)}].");

    private static void RequireSpatial(string operatorType, Value x, ImmutableArray<long> size)
    {
        RequireFloat(operatorType, x);
        Require(!x.Shape.Skip(2).Contains(Shape.Batch), operatorType, $"'{x}' has a symbolic size on a spatial axis; only batch and channels may be open.");
        Require(
            x.Shape.Rank == size.Length + 2 && x.Shape.Skip(2).SequenceEqual(size),
            operatorType, $"'{x}' must have shape [_, _, {string.Join(", ", size)}].");
    }
}
