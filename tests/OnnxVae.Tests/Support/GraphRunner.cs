using Microsoft.ML.OnnxRuntime;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;

namespace OnnxVae.Tests.Support;

/// <summary>Writes a graph as an ONNX model and runs it on ONNX Runtime.</summary>
internal static class GraphRunner
{
    private const double SameResult = 1e-5;

    /// <summary>Runs a graph, with the algorithms for training, on the data of its inputs: <see cref="float"/> or <see cref="long"/> arrays.</summary>
    public static float[][] Run(IReadOnlyList<Value> outputs, params IReadOnlyList<(Value Input, Array Data)> inputs) => Run(outputs, CompilationTarget.Training, inputs);

    /// <summary>Runs a graph, with the algorithms for a target, on the data of its inputs.</summary>
    public static float[][] Run(IReadOnlyList<Value> outputs, CompilationTarget target, params IReadOnlyList<(Value Input, Array Data)> inputs)
    {
        var model = GraphCompiler.Build("test", [.. inputs.Select(input => input.Input)], [.. outputs.Select((value, i) => ($"output{i}", value))], target);
        return Run(model, [.. model.Inputs.Select(tensor => inputs.Single(input => input.Input.Name == tensor.Name).Data)]);
    }

    /// <summary>Runs a model on the data of its inputs, in their order.</summary>
    public static float[][] Run(OnnxModel model, params IReadOnlyList<Array> inputs)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 2 };
        return Run(model, options, inputs);
    }

    /// <summary>
    /// Runs a model twice, optimized and not; the second time under ONNX's own shape inference, which has to agree with the
    /// shapes in the file.
    /// </summary>
    public static float[][] RunStrictly(OnnxModel model, params IReadOnlyList<Array> inputs)
    {
        float[][] optimized = Run(model, inputs);
        using var options = StrictOptions();
        foreach (var (actual, expected) in Run(model, options, inputs).Zip(optimized))
        {
            Assert.That(Numbers.RelativeError(actual, expected), Is.LessThan(SameResult), "without optimization");
        }

        return optimized;
    }

    /// <summary>Options under which a file loads only if ONNX's own shape inference agrees with its shapes; nothing is optimized.</summary>
    public static SessionOptions StrictOptions()
    {
        var options = new SessionOptions { IntraOpNumThreads = 2, GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL };
        options.AddSessionConfigEntry("session.strict_shape_type_inference", "1");
        return options;
    }

    public static Array ToArray(Tensor tensor) => tensor.Type == ElementType.Int64 ? tensor.As<long>().ToArray() : tensor.As<float>().ToArray();

    private static float[][] Run(OnnxModel model, SessionOptions options, IReadOnlyList<Array> inputs)
    {
        using var session = new GraphSession(model, options);
        var outputs = session.Run(model.Inputs.Zip(inputs).ToDictionary(pair => pair.First.Name, pair => pair.Second));
        return [.. model.Outputs.Select(output => (float[])outputs[output.Name])];
    }
}
