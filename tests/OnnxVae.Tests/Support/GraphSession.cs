using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;

namespace OnnxVae.Tests.Support;

/// <summary>A model on ONNX Runtime, with arrays of <see cref="float"/> or <see cref="long"/> going in and out by name.</summary>
internal sealed class GraphSession : IDisposable
{
    private readonly OnnxModel model;
    private readonly InferenceSession session;
    private readonly RunOptions runOptions = new();

    public GraphSession(OnnxModel model, SessionOptions? options = null)
    {
        this.model = model;
        using var twoThreads = new SessionOptions { IntraOpNumThreads = 2 };
        session = new InferenceSession(model.ToBytes(), options ?? twoThreads);
    }

    /// <summary>Runs the model; data of names that it does not have are passed over.</summary>
    public Dictionary<string, Array> Run(IReadOnlyDictionary<string, Array> data)
    {
        OrtValue[] values = [.. model.Inputs.Select(input => CreateValue(data[input.Name], Dimensions(input.Shape, data[input.Name].Length)))];
        using var results = session.Run(runOptions, [.. model.Inputs.Select(input => input.Name)], values, session.OutputNames);
        var outputs = session.OutputNames.Zip(results).ToDictionary(pair => pair.First, pair => ToArray(pair.Second));
        Array.ForEach(values, value => value.Dispose());
        return outputs;
    }

    public void Dispose()
    {
        runOptions.Dispose();
        session.Dispose();
    }

    private static OrtValue CreateValue(Array data, long[] shape) => data is long[] integers
        ? OrtValue.CreateTensorValueFromMemory(integers, shape)
        : OrtValue.CreateTensorValueFromMemory((float[])data, shape);

    private static Array ToArray(OrtValue value) => value.GetTensorTypeAndShape().ElementDataType == TensorElementType.Int64
        ? value.GetTensorDataAsSpan<long>().ToArray()
        : value.GetTensorDataAsSpan<float>().ToArray();

    public static long[] Dimensions(Shape shape, long count) => [.. shape.Select(d => d == Shape.Batch ? count / shape.ElementCount : d)];
}
