using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Format.Schema;
using OnnxVae.Tests.Support;
using static OnnxVae.Tests.Exporters.FileRow;

namespace OnnxVae.Tests.Exporters;

/// <summary>Nodes with settings of all kinds: what is read computes what ONNX Runtime makes of the file.</summary>
internal sealed class OperatorReadersTests
{
    private const double Tolerance = 1e-5;
    private const double FiniteDifferenceTolerance = 2e-2;

    private static FileRow[] Rows =>
    [
        new("Clip above, left out below", [[2, 3]], [2, 3], [Node("Clip", ["x0", "", "max"], "y")], Floats("max", [], 0.3f)),
        new("Pow by a number", [[2, 3]], [2, 3], [Node("Exp", ["x0"], "e"), Node("Pow", ["e", "p"], "y")], Floats("p", [], 1.5f)),
        new("Pow by an integer", [[2, 3]], [2, 3], [Node("Pow", ["x0", "p"], "y")], Longs("p", [], 2)),
        new("Pow by a vector", [[2, 3]], [2, 3], [Node("Pow", ["x0", "p"], "y")], Floats("p", [3], 1, 2, 3)) { IsDifferentiable = false },
        new("Flatten from the last axis", [[1, 2, 3]], [2, 3], [Node("Flatten", ["x0"], "y", Int("axis", -1))]),
        new("Reshape by joined constants", [[2, 3, 4]], [12, 2], [Node("Concat", ["open", "two"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")],
            Longs("open", [1], -1), Longs("two", [1], 2)),
        new("Reshape by shape arithmetic", [[2, 3, 4]], [3, 8], [Node("Shape", ["x0"], "s", Int("start", 1), Int("end", 2)), Node("Concat", ["s", "open"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")], Longs("open", [1], -1)),
        new("Reshape by a slice of the shape", [[2, 3, 4]], [4, 6], [Node("Shape", ["x0"], "s"), Node("Slice", ["s", "from", "to"], "last"), Node("Concat", ["last", "open"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")],
            Longs("from", [1], -1), Longs("to", [1], 3), Longs("open", [1], -1)),
        new("LayerNormalization with an output left out", [[2, 4]], [2, 4],
            [Node("LayerNormalization", ["x0", "w"], ["h", "", "s"]), Node("Clip", ["h", "", "max"], "y")], Floats("w", [4], 1, 2, 3, 4), Floats("max", [], 0.3f)),
        new("Dropout in training at ratio 0", [[2, 3]], [2, 3], [Node("Dropout", ["x0", "ratio", "on"], "y")], Floats("ratio", [], 0f), ("on", new Tensor(ElementType.Bool, [], new byte[] { 1 }))) { IsDifferentiable = false },
        new("Gemm with factors", [[2, 3], [4, 3], [4]], [2, 4], [Node("Gemm", ["x0", "x1", "x2"], "y", Int("transB", 1), Float("alpha", 0.5f), Float("beta", 2f))]),
        new("MatMul with a vector", [[2, 3], [3]], [2], [Node("MatMul", ["x0", "x1"], "y")]),
        new("Conv, padded on one side", [[1, 2, 5, 5], [3, 2, 2, 2]], [1, 3, 5, 5], [Node("Conv", ["x0", "x1"], "y", Ints("pads", 0, 0, 1, 1))]),
        new("Conv with auto_pad", [[1, 2, 5, 5], [3, 2, 2, 2]], [1, 3, 5, 5], [Node("Conv", ["x0", "x1"], "y", Text("auto_pad", "SAME_UPPER"))]),
        new("MaxPool rounding up", [[1, 2, 5, 5]], [1, 2, 3, 3], [Node("MaxPool", ["x0"], "y", Ints("kernel_shape", 2, 2), Ints("strides", 2, 2), Int("ceil_mode", 1))]),
        new("AveragePool without padding in the count", [[1, 2, 5, 5]], [1, 2, 3, 3], [Node("AveragePool", ["x0"], "y", Ints("kernel_shape", 3, 3), Ints("strides", 2, 2), Ints("pads", 1, 1, 1, 1))]),
        new("Pad by reflection", [[1, 1, 3]], [1, 1, 5], [Node("Pad", ["x0", "pads"], "y", Text("mode", "reflect"))], Longs("pads", [6], 0, 0, 1, 0, 0, 1)),
        new("Slice backwards", [[2, 5]], [2, 5], [Node("Slice", ["x0", "from", "to", "axes", "steps"], "y")], Longs("from", [1], -1), Longs("to", [1], -6), Longs("axes", [1], 1), Longs("steps", [1], -1)),
        new("Slice of two axes", [[4, 5]], [2, 2], [Node("Slice", ["x0", "from", "to", "axes", "steps"], "y")], Longs("from", [2], 1, -4), Longs("to", [2], 3, 99), Longs("axes", [2], 0, 1), Longs("steps", [2], 1, 2)),
        new("Resize by scales", [[1, 2, 3, 4]], [1, 2, 6, 8], [Node("Resize", ["x0", "", "scales"], "y", Text("coordinate_transformation_mode", "asymmetric"), Text("nearest_mode", "floor"))], Floats("scales", [4], 1, 1, 2, 2)),
        new("Resize of named axes", [[1, 2, 3, 4]], [1, 2, 5, 7], [Node("Resize", ["x0", "", "", "sizes"], "y", Ints("axes", 3, 2), Text("mode", "linear"))], Longs("sizes", [2], 7, 5)),
        new("Resize of rounded pixels", [[1, 2, 3, 4]], [1, 2, 5, 4], [Node("Resize", ["x0", "", "", "sizes"], "y")], Longs("sizes", [4], 1, 2, 5, 4)),
        new("Resize, channels last", [[1, 2, 3, 2]], [1, 4, 6, 2], [Node("Resize", ["x0", "", "", "sizes"], "y", Text("coordinate_transformation_mode", "asymmetric"), Text("nearest_mode", "floor"))], Longs("sizes", [4], 1, 4, 6, 2)),
        new("Gather at computed positions, counted from the end", [[4, 3], [5]], [5, 3], [Node("Floor", ["x1"], "f"), Node("Clip", ["f", "min", "max"], "c"), Node("Cast", ["c"], "i", Int("to", 7)), Node("Gather", ["x0", "i"], "y")],
            Floats("min", [], -2), Floats("max", [], 1)),
        new("ReduceSum of all", [[2, 3]], [1, 1], [Node("ReduceSum", ["x0"], "y")]),
        new("Split unevenly", [[2, 5]], [2, 3], [Node("Split", ["x0", "sizes"], ["a", "y"], Int("axis", 1))], Longs("sizes", [2], 2, 3)),
        new("BatchNormalization", [[2, 3, 2]], [2, 3, 2], [Node("BatchNormalization", ["x0", "w", "b", "running_mean", "running_var"], "y")],
            Floats("w", [3], 1, 2, 3), Floats("b", [3], 0.1f, 0.2f, 0.3f), Floats("running_mean", [3], 0.3f, -0.2f, 0), Floats("running_var", [3], 1, 2, 0.5f)),
        new("InstanceNormalization", [[2, 3, 4]], [2, 3, 4], [Node("InstanceNormalization", ["x0", "w", "b"], "y")], Floats("w", [3], 1, 2, 3), Floats("b", [3], 0.1f, 0.2f, 0.3f)),
        new("Selu, Celu and HardSigmoid", [[2, 3]], [2, 3], [Node("Selu", ["x0"], "a"), Node("Celu", ["a"], "b", Float("alpha", 0.5f)), Node("HardSigmoid", ["b"], "y")]),
        new("A vector times matrices", [[3], [2, 3, 4]], [2, 4], [Node("MatMul", ["x0", "x1"], "y")]),
        new("A vector times a vector", [[3], [3]], [], [Node("MatMul", ["x0", "x1"], "y")]),
        new("Conv with auto_pad, more before", [[1, 2, 5, 6], [3, 2, 2, 3]], [1, 3, 3, 3], [Node("Conv", ["x0", "x1"], "y", Text("auto_pad", "SAME_LOWER"), Ints("strides", 2, 2))]),
        new("ConvTranspose, cut unevenly", [[1, 2, 3, 3], [2, 3, 3, 3]], [1, 3, 4, 5], [Node("ConvTranspose", ["x0", "x1"], "y", Ints("pads", 1, 0, 0, 0))]),
        new("ConvTranspose with auto_pad", [[1, 2, 3, 3], [2, 3, 3, 3]], [1, 3, 6, 6], [Node("ConvTranspose", ["x0", "x1"], "y", Text("auto_pad", "SAME_UPPER"), Ints("strides", 2, 2))]),
        new("ConvTranspose to a given size", [[1, 2, 3, 3], [2, 3, 3, 3]], [1, 3, 6, 8], [Node("ConvTranspose", ["x0", "x1"], "y", Ints("output_shape", 6, 8), Ints("strides", 2, 3), Ints("output_padding", 1, 1))]),
        new("AveragePool rounding up", [[1, 2, 6, 7]], [1, 2, 4, 4], [Node("AveragePool", ["x0"], "y", Ints("kernel_shape", 3, 3), Ints("strides", 2, 2), Ints("pads", 1, 1, 1, 1), Int("ceil_mode", 1))]),
        new("AveragePool with auto_pad", [[1, 2, 5, 5]], [1, 2, 3, 3], [Node("AveragePool", ["x0"], "y", Ints("kernel_shape", 2, 2), Ints("strides", 2, 2), Text("auto_pad", "SAME_UPPER"))]),
        new("MaxPool with auto_pad", [[1, 2, 5, 5]], [1, 2, 3, 3], [Node("MaxPool", ["x0"], "y", Ints("kernel_shape", 2, 2), Ints("strides", 2, 2), Text("auto_pad", "SAME_LOWER"))]),
        new("Pad by edges, cut on one side", [[1, 1, 4, 3]], [1, 1, 3, 6], [Node("Pad", ["x0", "pads"], "y", Text("mode", "edge"))], Longs("pads", [8], 0, 0, -1, 2, 0, 0, 0, 1)),
        new("Pad of named axes", [[2, 3]], [2, 6], [Node("Pad", ["x0", "pads", "", "axes"], "y")], Longs("pads", [2], 1, 2), Longs("axes", [1], -1)),
        new("Slice backwards by two", [[2, 6]], [2, 3], [Node("Slice", ["x0", "from", "to", "axes", "steps"], "y")], Longs("from", [1], 99), Longs("to", [1], long.MinValue), Longs("axes", [1], 1), Longs("steps", [1], -2)),
        new("Resize from half pixels, of one image and one channel", [[1, 1, 3, 4]], [1, 1, 6, 8], [Node("Resize", ["x0", "", "scales"], "y", Text("coordinate_transformation_mode", "pytorch_half_pixel"), Text("mode", "linear"))], Floats("scales", [4], 1, 1, 2, 2)),
        new("Resize to computed sizes", [[1, 2, 3, 4]], [1, 2, 6, 8],
            [
                Node("Shape", ["x0"], "s"), Node("Slice", ["s", "two", "four"], "image"), Node("Cast", ["image"], "real", Int("to", 1)), Node("Mul", ["real", "twice"], "larger"), Node("Floor", ["larger"], "whole"),
                Node("Cast", ["whole"], "sizes", Int("to", 7)), Node("Slice", ["s", "zero", "two"], "rest"), Node("Concat", ["rest", "sizes"], "all", Int("axis", 0)), Node("Resize", ["x0", "", "", "all"], "y", Text("mode", "cubic")),
            ],
            Longs("zero", [1], 0), Longs("two", [1], 2), Longs("four", [1], 4), Floats("twice", [], 2.2f)),
        new("Resize, nearest from half pixels", [[1, 1, 5, 4]], [1, 1, 7, 3], [Node("Resize", ["x0", "", "", "sizes"], "y", Text("nearest_mode", "ceil"))], Longs("sizes", [4], 1, 1, 7, 3)),
        new("Resize, nearest by aligned corners", [[1, 1, 5, 4]], [1, 1, 8, 6], [Node("Resize", ["x0", "", "", "sizes"], "y", Text("coordinate_transformation_mode", "align_corners"), Text("nearest_mode", "round_prefer_ceil"))], Longs("sizes", [4], 1, 1, 8, 6)),
        new("Resize by a scale that keeps a size next to others, linear", [[1, 1, 5, 5]], [1, 1, 5, 10], [Node("Resize", ["x0", "", "scales"], "y", Text("mode", "linear"))], Floats("scales", [4], 1, 1, 1.1f, 2)),
        new("Resize by scales that keep all sizes, cubic", [[1, 1, 5, 5]], [1, 1, 5, 5], [Node("Resize", ["x0", "", "scales"], "y", Text("mode", "cubic"))], Floats("scales", [4], 1, 1, 1.1f, 1.1f)),
        new("Resize by scales that keep all sizes, nearest", [[1, 1, 5, 5]], [1, 1, 5, 5], [Node("Resize", ["x0", "", "scales"], "y", Text("nearest_mode", "floor"), Text("coordinate_transformation_mode", "asymmetric"))], Floats("scales", [4], 1, 1, 1.1f, 1.1f)),
        new("ConvTranspose to a size that is larger than its own", [[1, 2, 4, 4], [2, 3, 3, 3]], [1, 3, 10, 10], [Node("ConvTranspose", ["x0", "x1"], "y", Ints("strides", 2, 2), Ints("output_shape", 10, 10))]),
        new("AveragePool with no padding, rounding up", [[1, 1, 7, 7]], [1, 1, 3, 3], [Node("AveragePool", ["x0"], "y", Ints("kernel_shape", 3, 3), Ints("strides", 3, 3), Text("auto_pad", "VALID"), Int("ceil_mode", 1), Int("count_include_pad", 1))]),
        new("ScatterElements at a place twice", [[3, 4], [2, 3]], [3, 4], [Node("ScatterElements", ["x0", "p", "x1"], "y", Int("axis", 1))], Longs("p", [2, 3], 0, 0, 3, 1, 1, 1)),
        new("Empty parts", [[2, 3]], [2, 3], [Node("Slice", ["x0", "two", "two", "one"], "e"), Node("Concat", ["x0", "e"], "y", Int("axis", 1))], Longs("two", [1], 2), Longs("one", [1], 1)) { IsDifferentiable = false },
        new("BatchNormalization in training", [[4, 3, 2]], [4, 3, 2], [Node("BatchNormalization", ["x0", "w", "b", "m", "v"], ["y", "mean", "var"], Int("training_mode", 1))],
            Floats("w", [3], 1, 2, 3), Floats("b", [3], 0.1f, 0.2f, 0.3f), Floats("m", [3], 0, 0, 0), Floats("v", [3], 1, 1, 1)),
        new("Integers that are clipped, summed and encoded", [[2, 3]], [2, 4],
            [
                Node("ArgMax", ["x0"], "p", Int("axis", 1)), Node("Clip", ["p", "zero", "two"], "c"), Node("ReduceSum", ["c", "one"], "s", Int("keepdims", 0)), Node("OneHot", ["s", "four", "levels"], "o"), Node("Cast", ["o"], "f", Int("to", 1)),
                Node("ReduceSum", ["x0", "one"], "r"), Node("Mul", ["f", "r"], "y"),
            ],
            Longs("zero", [], 0), Longs("two", [], 2), Longs("one", [1], 1), Longs("four", [1], 4), Longs("levels", [2], 0, 3)),
        new("Einsum of one operand, transposed and summed", [[2, 3, 4]], [4, 2], [Node("Einsum", ["x0"], "y", Text("equation", "abc->ca"))]),
        new("Einsum of a diagonal", [[2, 3, 3]], [2, 3], [Node("Einsum", ["x0"], "y", Text("equation", "bii->bi"))]),
        new("Einsum of a trace, without an arrow", [[3, 3]], [], [Node("Einsum", ["x0"], "y", Text("equation", "ii"))]),
        new("Einsum of three operands", [[2, 3], [3, 4], [4]], [2], [Node("Einsum", ["x0", "x1", "x2"], "y", Text("equation", "ab, bc, c -> a"))]),
        new("Einsum with an ellipsis that repeats itself", [[2, 5, 3, 4], [2, 1, 4, 2]], [2, 5, 3, 2], [Node("Einsum", ["x0", "x1"], "y", Text("equation", "...ij,...jk->...ik"))]),
        new("Einsum of one image, with an ellipsis", [[1, 3, 4], [1, 4, 2]], [1, 3, 2], [Node("Einsum", ["x0", "x1"], "y", Text("equation", "...ij,...jk"))]),
        new("A remainder, by Floor", [[2, 3]], [2, 3], [Node("Div", ["x0", "d"], "q"), Node("Floor", ["q"], "f"), Node("Mul", ["f", "d"], "m"), Node("Sub", ["x0", "m"], "y")], Floats("d", [], 0.7f)),
        new("Clip between crossed limits, and one that is computed", [[2, 3], []], [2, 3], [Node("Clip", ["x0", "half", "none"], "a"), Node("Clip", ["x0", "", "x1"], "b"), Node("Sum", ["a", "b", "x0"], "y")], Floats("half", [], 0.5f), Floats("none", [], -0.5f)),
        new("Truth values by Xor and IsNaN", [[2, 3]], [2, 3],
            [Node("Greater", ["x0", "zero"], "a"), Node("IsNaN", ["x0"], "b"), Node("Xor", ["a", "b"], "d"), Node("CastLike", ["d", "zero"], "f"), Node("Mul", ["f", "x0"], "y")], Floats("zero", [], 0)),
        new("OneHot of positions outside", [[3, 4]], [3, 4], [Node("OneHot", ["p", "depth", "levels"], "o"), Node("Mul", ["o", "x0"], "y")], Longs("p", [3], 5, -1, -9), Longs("depth", [], 4), Floats("levels", [2], 0.5f, 2)),
        new("Squeeze of no axes in particular", [[1, 3, 1]], [3], [Node("Squeeze", ["x0", "none"], "y")], Longs("none", [0])),
        new("DepthToSpace by blocks", [[2, 8, 2, 3]], [2, 2, 4, 6], [Node("DepthToSpace", ["x0"], "y", Int("blocksize", 2))]),
        new("DepthToSpace by channels", [[2, 8, 2, 3]], [2, 2, 4, 6], [Node("DepthToSpace", ["x0"], "y", Int("blocksize", 2), Text("mode", "CRD"))]),
        new("SpaceToDepth", [[2, 2, 4, 6]], [2, 8, 2, 3], [Node("SpaceToDepth", ["x0"], "y", Int("blocksize", 2))]),
        new("LSTM", [[3, 2, 4], [1, 12, 4], [1, 12, 3], [1, 24]], [3, 1, 2, 3], [Node("LSTM", ["x0", "x1", "x2", "x3"], "y", Int("hidden_size", 3))]),
        new("LSTM in both directions, with states and three results", [[3, 2, 4], [2, 12, 4], [2, 12, 3], [2, 24], [2, 2, 3], [2, 2, 3]], [2, 2, 3],
            [Node("LSTM", ["x0", "x1", "x2", "x3", "", "x4", "x5"], ["a", "h", "c"], Int("hidden_size", 3), Text("direction", "bidirectional")), Node("ReduceSum", ["a", "time"], "t", Int("keepdims", 0)), Node("Sum", ["t", "h", "c"], "y")], Longs("time", [1], 0)),
        new("GRU backwards", [[3, 2, 4], [1, 9, 4], [1, 9, 3], [1, 18], [1, 2, 3]], [3, 1, 2, 3], [Node("GRU", ["x0", "x1", "x2", "x3", "", "x4"], "y", Int("hidden_size", 3), Text("direction", "reverse"))]),
        new("GRU as PyTorch has it, without biases", [[3, 2, 4], [1, 9, 4], [1, 9, 3]], [1, 2, 3], [Node("GRU", ["x0", "x1", "x2"], ["", "y"], Int("hidden_size", 3), Int("linear_before_reset", 1))]),
        new("RNN", [[3, 2, 4], [1, 3, 4], [1, 3, 3], [1, 6]], [3, 1, 2, 3], [Node("RNN", ["x0", "x1", "x2", "x3"], "y", Int("hidden_size", 3))]),
        new("ReduceProd, with a zero", [[2, 5]], [2, 1], [Node("Mul", ["x0", "mask"], "m"), Node("ReduceProd", ["m", "axes"], "y")], Floats("mask", [5], 1, 1, 0, 1, 1), Longs("axes", [1], 1)),
        new("ReduceL1, ReduceLogSum and ReduceLogSumExp", [[2, 3, 4]], [2], [Node("Exp", ["x0"], "e"), Node("ReduceLogSum", ["e", "last"], "s", Int("keepdims", 0)), Node("ReduceL1", ["s", "one"], "a", Int("keepdims", 0)), Node("ReduceLogSumExp", ["x0", "both"], "b", Int("keepdims", 0)), Node("Add", ["a", "b"], "y")],
            Longs("last", [1], 2), Longs("one", [1], 1), Longs("both", [2], 1, 2)),
        new("CumSum, exclusive and backwards", [[2, 5]], [2, 5], [Node("CumSum", ["x0", "axis"], "y", Int("exclusive", 1), Int("reverse", 1))], Longs("axis", [], -1)),
        new("TopK", [[2, 5]], [2, 2], [Node("TopK", ["x0", "k"], ["y", "positions"], Int("largest", 0))], Longs("k", [1], 2)),
        new("ArgMin", [[2, 5]], [2, 1], [Node("ArgMin", ["x0"], "p", Int("axis", 1)), Node("GatherElements", ["x0", "p"], "y", Int("axis", 1))]),
        new("GatherElements, counted from the end", [[3, 4]], [3, 2], [Node("GatherElements", ["x0", "p"], "y", Int("axis", 1))], Longs("p", [3, 2], 0, -1, 3, 3, -4, 1)),
        new("GatherND", [[2, 3, 4]], [2, 4], [Node("GatherND", ["x0", "p"], "y")], Longs("p", [2, 2], 1, -1, 0, 1)),
        new("ScatterND", [[4, 3], [2, 3]], [4, 3], [Node("ScatterND", ["x0", "p", "x1"], "y")], Longs("p", [2, 1], 2, -4)),
        new("ScatterND that adds", [[4, 3], [3, 3]], [4, 3], [Node("ScatterND", ["x0", "p", "x1"], "y", Text("reduction", "add"))], Longs("p", [3, 1], 2, 0, 2)),
        new("ScatterElements", [[3, 4], [2, 2]], [3, 4], [Node("ScatterElements", ["x0", "p", "x1"], "y", Int("axis", 1))], Longs("p", [2, 2], 3, 0, 1, -1)),
        new("ScatterND at computed positions", [[4, 3], [4], [1, 3]], [4, 3], [Node("ArgMax", ["x1"], "p", Int("axis", 0)), Node("Reshape", ["p", "column"], "q"), Node("ScatterND", ["x0", "q", "x2"], "y")], Longs("column", [2], 1, 1)),
        new("OneHot", [[2, 3]], [2, 3], [Node("ArgMax", ["x0"], "p", Int("axis", 1), Int("keepdims", 0)), Node("OneHot", ["p", "depth", "levels"], "o"), Node("Mul", ["o", "x0"], "y")], Longs("depth", [1], 3), Floats("levels", [2], -1, 2)),
        new("Tile and Expand", [[2, 1]], [4, 6], [Node("Expand", ["x0", "size"], "e"), Node("Tile", ["e", "times"], "y")], Longs("size", [2], 1, 3), Longs("times", [2], 2, 2)),
        new("Trilu", [[3, 4]], [3, 4], [Node("Trilu", ["x0", "k"], "y", Int("upper", 0))], Longs("k", [], 1)),
        new("Gates of truth values", [[2, 3], [3]], [2, 3], [Node("Greater", ["x0", "x1"], "a"), Node("Less", ["x1", "half"], "b"), Node("Not", ["b"], "n"), Node("And", ["a", "n"], "c"), Node("Or", ["c", "b"], "d"), Node("Where", ["d", "x0", "x1"], "y")], Floats("half", [], 0.5f)),
        new("A power of two, and a root", [[2, 3]], [2, 3], [Node("Pow", ["two", "x0"], "a"), Node("Pow", ["a", "half"], "y")], Floats("two", [], 2), Floats("half", [], 0.5f)),
        new("ThresholdedRelu, Ceil, Sign and Mean", [[2, 3]], [2, 3], [Node("ThresholdedRelu", ["x0"], "a", Float("alpha", 0.3f)), Node("Sign", ["x0"], "b"), Node("Mul", ["b", "x0"], "c"), Node("Mean", ["a", "c", "x0"], "y")]),
        new("LpNormalization", [[2, 3]], [2, 3], [Node("LpNormalization", ["x0"], "a", Int("axis", 1)), Node("LpNormalization", ["a"], "y", Int("p", 1), Int("axis", 0))]),
        new("GroupNormalization with scales of groups", [[2, 4, 3]], [2, 4, 3], [Node("GroupNormalization", ["x0", "w", "b"], "y", Int("num_groups", 2))], Floats("w", [2], 2, 3), Floats("b", [2], 0.1f, 0.2f)),
        new("A mask of integers", [[2, 4]], [2, 4], [Node("Shape", ["x0"], "s"), Node("ConstantOfShape", ["s"], "ones", Number("value", Tensor.From<long>([1], 1))),
            Node("CumSum", ["range", "zero"], "places"), Node("Equal", ["places", "six"], "hit"), Node("Where", ["hit", "ones", "none"], "chosen"), Node("Cast", ["chosen"], "mask", Int("to", 1)), Node("Mul", ["mask", "x0"], "y")],
            Longs("range", [4], 1, 2, 3, 4), Longs("zero", [], 0), Longs("six", [], 6), Longs("none", [], 0)),
        new("A division of sizes", [[2, 6]], [2, 3, 2], [Node("Shape", ["x0"], "s"), Node("Gather", ["s", "one"], "six"), Node("Div", ["six", "two"], "three"), Node("Concat", ["copied", "three", "open"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")],
            Longs("one", [1], 1), Longs("two", [1], 2), Longs("copied", [1], 0), Longs("open", [1], -1)),
        new("Mean of several, by Sum and Div", [[2, 3], [3]], [2, 3], [Node("Sum", ["x0", "x1", "x0"], "s"), Node("Div", ["s", "three"], "y")], Floats("three", [], 3)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Read_OfNode_ComputesTheSame(FileRow row)
    {
        var model = row.Model();
        float[][] data = Data(row);

        var graph = OnnxGraph.Read(model);

        float[] actual = GraphRunner.Run([graph.Output], [.. graph.Inputs.Zip(data, (input, values) => (input, (Array)values)), .. Weights(graph)])[0];
        Assert.That(Numbers.RelativeError(actual, GraphRunner.Run(model, data)[0]), Is.LessThan(Tolerance));
        Assert.That(graph.Output.Shape, Is.EqualTo(row.Output));
    }

    [TestCaseSource(nameof(Rows))]
    public void Gradient_OfReadNode_IsRightOrRefused(FileRow row)
    {
        var graph = OnnxGraph.Read(row.Model());
        var loss = Ops.Sum(graph.Output * Value.Of<float>(graph.Output.Shape, Numbers.StandardNormal(graph.Output.Shape.ElementCount, 9)));
        if (!row.IsDifferentiable)
        {
            Assert.That(
                () => Backward.Gradients(loss, graph.Inputs),
                Throws.TypeOf<NotSupportedException>().With.Message.Contains("was read from a file with an operator or settings that have no gradient rule"));
            return;
        }

        const float step = 1e-3f;
        float[][] data = Data(row), direction = [.. data.Select((values, i) => Numbers.StandardNormal(values.Length, (ulong)(30 + i)))];
        double slope = Run(Backward.Gradients(loss, graph.Inputs), 0).Zip(direction, (g, d) => g.Zip(d, (a, b) => (double)a * b).Sum()).Sum();
        double difference = (Run([loss], step)[0][0] - Run([loss], -step)[0][0]) / (2 * step);
        Assert.That(difference, Is.EqualTo(slope).Within(FiniteDifferenceTolerance * Math.Max(1, Math.Abs(slope))));

        float[][] Run(IReadOnlyList<Value> outputs, float by) => GraphRunner.Run(outputs,
        [
            .. graph.Inputs.Select((input, i) => (input, (Array)data[i].Zip(direction[i], (x, d) => x + (by * d)).ToArray())),
            .. Weights(graph),
        ]);
    }

    [Test]
    public void Read_OfRandomOperators_KeepsThemApart()
    {
        var row = new FileRow("random", [[50]], [50], [Node("RandomNormalLike", ["x0"], "a"), Node("RandomNormalLike", ["x0"], "b"), Node("Sub", ["a", "b"], "y")]);
        var model = row.Model();
        model.Proto.Graph.ValueInfo.Add(((string[])["a", "b"]).Select(name =>
        {
            var info = model.Proto.Graph.Output[0].Clone();
            info.Name = name;
            return info;
        }));

        var graph = OnnxGraph.Read(model);

        Assert.That(GraphRunner.Run([graph.Output], [(graph.Inputs[0], new float[50])])[0].Max(MathF.Abs), Is.GreaterThan(0.1));
    }

    // As the reparameterization of a VAE has it: noise times a deviation, plus a mean.
    [Test]
    public void Gradient_ThroughNoise_IsThatOfTheRest()
    {
        var row = new FileRow("noise", [[2, 3], [2, 3]], [2, 3], [Node("RandomNormalLike", ["x0"], "e", Float("seed", 3)), Node("Mul", ["e", "x1"], "d"), Node("Add", ["d", "x0"], "y")]);
        var graph = OnnxGraph.Read(row.Model());

        float[][] actual = GraphRunner.Run([.. Backward.Gradients(Ops.Sum(graph.Output), graph.Inputs), graph.Output], [(graph.Inputs[0], new float[6]), (graph.Inputs[1], (float[])[1, 1, 1, 1, 1, 1])]);

        Assert.That(actual[0], Is.All.EqualTo(1));
        Assert.That(actual[1], Is.EqualTo(actual[2]), "the noise itself");
    }

    // Operators of later sets, and those that changed: what has a function is read, what would have to stay is not.
    [Test]
    public void Read_OfNewerSets_KnowsTheirOperators([Values(19, 20, 21, 22)] long operatorSet)
    {
        var proto = new FileRow("new", [[2, 4, 3]], [2, 4, 3], [Node("Gelu", ["x0"], "g", Text("approximate", "tanh")), Node("GroupNormalization", ["g", "w", "b"], "y", Int("num_groups", 2))],
            Floats("w", [4], 2, 3, 4, 5), Floats("b", [4], 0.1f, 0.2f, 0.3f, 0.4f)).Model().Proto.Clone();
        proto.OpsetImport[0].Version = operatorSet;
        var model = new OnnxModel(proto);
        if (operatorSet < 21)
        {
            Assert.That(() => OnnxGraph.Read(model), Throws.TypeOf<InvalidDataException>());
            return;
        }

        var graph = OnnxGraph.Read(model);

        float[] data = Numbers.StandardNormal(24, 3);
        Assert.That(Numbers.RelativeError(GraphRunner.Run([graph.Output], [(graph.Inputs[0], data), .. Weights(graph)])[0], GraphRunner.Run(model, data)[0]), Is.LessThan(Tolerance));
    }

    [Test]
    public void Read_OfAnOperatorThatIsAnotherInNewerSets_IsRefused()
    {
        var proto = new FileRow("new", [[1, 1, 5, 5]], [1, 1, 2, 2], [Node("AveragePool", ["x0"], "y", Ints("kernel_shape", 2, 2), Ints("dilations", 3, 3))]).Model().Proto.Clone();
        proto.OpsetImport[0].Version = 20;

        Assert.That(
            () => OnnxGraph.Read(new OnnxModel(proto)),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "AveragePool 'AveragePool y' cannot be read: its settings have no counterpart here, and its definition in operator set 20 differs from that in set 18, which graphs are written in."));
    }

    // A mask that is repeated for each head, and rows counted from the end.
    [Test]
    public void Read_WithAnOpenBatch_RepeatsAndCountsAtRunTime()
    {
        var proto = new FileRow("open", [[3, 4]], [3, 2, 4],
            [
                Node("Greater", ["x0", "zero"], "m"), Node("Unsqueeze", ["m", "one"], "u"), Node("Expand", ["u", "heads"], "e"), Node("Cast", ["e"], "f", Int("to", 1)),
                Node("Gather", ["x0", "last"], "g"), Node("Add", ["f", "g"], "y"),
            ],
            Floats("zero", [], 0), Longs("one", [1], 1), Longs("heads", [3], 1, 2, 1), Longs("last", [], -1)).Model().Proto.Clone();
        proto.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new TensorShapeProto.Types.Dimension { DimParam = "n" };
        proto.Graph.Output[0].Type.TensorType.Shape.Dim[0] = new TensorShapeProto.Types.Dimension { DimParam = "n" };
        var model = new OnnxModel(proto);
        float[] data = Numbers.StandardNormal(20, 3);

        var graph = OnnxGraph.Read(model);

        Assert.That(graph.Output.Shape.ToArray(), Is.EqualTo((long[])[Shape.Batch, 2, 4]));
        Assert.That(GraphRunner.Run([graph.Output], (graph.Inputs[0], data))[0], Is.EqualTo(GraphRunner.Run(model, data)[0]).Within(1e-6));
    }

    private static IEnumerable<TestCaseData> InvalidNodes =>
    [
        Invalid("it has no axis 4294967297", new FileRow("axis", [[2, 3]], [3], [Node("ReduceSum", ["x0", "a"], "y", Int("keepdims", 0))], Longs("a", [1], 4294967297)), "Axis 4294967297 is outside shape [2, 3] of rank 2"),
        Invalid("a direction", new FileRow("direction", [[3, 2, 4], [1, 3, 4], [1, 3, 3]], [3, 1, 2, 3], [Node("RNN", ["x0", "x1", "x2"], "y", Int("hidden_size", 3), Text("direction", "sideways"))]), "its direction is 'sideways'; expected one of forward, reverse, bidirectional"),
        Invalid("a mode", new FileRow("mode", [[1, 8, 2, 2]], [1, 2, 4, 4], [Node("DepthToSpace", ["x0"], "y", Int("blocksize", 2), Text("mode", "crd"))]), "its mode is 'crd'; expected one of DCR, CRD"),
        Invalid("a norm", new FileRow("p", [[2, 3]], [2, 3], [Node("LpNormalization", ["x0"], "y", Int("p", 3))]), "its p is 3; expected 1 or 2"),
        Invalid("pads and auto_pad", new FileRow("pads", [[1, 1, 4, 4], [1, 1, 3, 3]], [1, 1, 4, 4], [Node("Conv", ["x0", "x1"], "y", Ints("pads", 1, 1, 1, 1), Text("auto_pad", "SAME_UPPER"))]), "it has both pads and the auto_pad SAME_UPPER"),
        Invalid("a split of nothing", new FileRow("split", [[2, 4]], [2, 2], [Node("Split", ["x0"], ["a", "y"], Int("axis", 1))]), "it says neither how large its parts are nor how many"),
        Invalid("an axis twice", new FileRow("twice", [[4, 4]], [2, 4], [Node("Slice", ["x0", "from", "to", "axes"], "y")], Longs("from", [2], 1, 0), Longs("to", [2], 3, 2), Longs("axes", [2], 0, -2)), "it names an axis twice: [0, -2]"),
        Invalid("repeats of another rank", new FileRow("tile", [[2, 2]], [4, 4], [Node("Tile", ["x0", "r"], "y")], Longs("r", [1], 2)), "its repeats are of shape [1], for [2, 2]"),
        Invalid("a step of 0", new FileRow("range", [[2]], [2], [Node("Range", ["a", "b", "c"], "r"), Node("Cast", ["r"], "f", Int("to", 1)), Node("Add", ["x0", "f"], "y")], Longs("a", [], 0), Longs("b", [], 2), Longs("c", [], 0)), "and the step not 0"),
        Invalid("a result that cannot be", new FileRow("type", [[2, 2]], [], [Node("Det", ["x0"], "y")]) { OutputType = ElementType.Bool }, "its result 0 is said to be Bool, which the operator does not compute of such inputs"),
        Invalid("an equation of other operands", new FileRow("einsum", [[2, 3]], [2], [Node("Einsum", ["x0"], "y", Text("equation", "ab,bc->a"))]), "its equation 'ab,bc->a' is not one of 1 operands"),
        Invalid("an equation of other axes", new FileRow("einsum", [[2, 3]], [2], [Node("Einsum", ["x0"], "y", Text("equation", "abc->a"))]), "'abc' of its equation 'abc->a' does not have the 2 axes of its operand"),
        Invalid("a table larger than memory", new FileRow("depth", [[2]], [2, 2], [Node("Cast", ["x0"], "i", Int("to", 7)), Node("OneHot", ["i", "depth", "levels"], "y")], Longs("depth", [], 1L << 33), Floats("levels", [2], 0, 1)), "its depth is"),
        Invalid("an image larger than memory", new FileRow("size", [[1, 1, 2, 2]], [1, 1, 2, 2], [Node("Resize", ["x0", "", "", "sizes"], "y")], Longs("sizes", [4], 1, 2, 2147483647, 4)), "has more numbers than memory holds"),
    ];

    [TestCaseSource(nameof(InvalidNodes))]
    public void Read_OfWhatONNXDoesNotAllow_SaysWhy(FileRow row, string reason) => Assert.That(
        () => OnnxGraph.Read(row.Model()),
        Throws.TypeOf<InvalidDataException>().With.Message.Contains("cannot be read: ").And.Message.Contains(reason));

    [Test]
    public void Read_OfSetsThatAreNotKnown_SaysWhichAre()
    {
        var proto = new FileRow("new", [[2]], [2], [Node("Relu", ["x0"], "y")]).Model().Proto.Clone();
        proto.OpsetImport[0].Version = 23;

        Assert.That(() => OnnxGraph.Read(new OnnxModel(proto)), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "The model is written in operator set 23; sets up to 22 are read: export it in one of them."));
    }

    private static TestCaseData Invalid(string name, FileRow row, string reason) => new TestCaseData(row, reason).SetArgDisplayNames(name);

    [Test]
    public void Read_OfUnknownOperatorWithoutShape_IsRefused()
    {
        var row = new FileRow("unknown", [[2, 2]], [], [Node("Det", ["x0"], "a"), Node("Relu", ["a"], "y")]);

        Assert.That(
            () => OnnxGraph.Read(row.Model()),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "Det 'Det a' cannot be read: its operator is not known, and the file does not declare the shape of its result 'a', without which it cannot be kept as it is."));
    }

    [Test]
    public void Inputs_OfModelWithSeveralSymbolicSizes_AreListed()
    {
        var proto = new FileRow("open", [[2, 3]], [2, 3], [Node("Relu", ["x0"], "y")]).Model().Proto.Clone();
        proto.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new TensorShapeProto.Types.Dimension { DimParam = "batch" };
        proto.Graph.Input[0].Type.TensorType.Shape.Dim[1] = new TensorShapeProto.Types.Dimension { DimParam = "length" };

        Assert.That(new OnnxModel(proto).Inputs[0].Shape.ToArray(), Is.EqualTo((long[])[Shape.Batch, Shape.Batch]));
    }

    private static float[][] Data(FileRow row) => [.. row.Inputs.Select((shape, i) => Numbers.StandardNormal(shape.ElementCount, (ulong)(20 + i)))];

    private static IEnumerable<(Value, Array)> Weights(OnnxGraph graph) =>
        graph.Parameters.Select(parameter => (parameter.Current, GraphRunner.ToArray(parameter.Initial)));
}
