using Microsoft.ML.OnnxRuntime;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Tests.Support;

/// <summary>Writes a graph as an ONNX model and runs it on ONNX Runtime.</summary>
internal static class GraphRunner
{
    public static float[][] Run(IReadOnlyList<Value> outputs, params (Value Input, float[] Data)[] inputs)
    {
        var model = OnnxModelWriter.Build("test", [.. inputs.Select(input => input.Input)], [.. outputs.Select((value, i) => ($"output{i}", value))]);
        return Run(model, [.. model.Inputs.Select(tensor =>
        {
            var (input, data) = inputs.Single(candidate => candidate.Input.Name == tensor.Name);
            long batch = input.Shape.HasBatch ? data.Length / input.Shape.ElementCount : 1;
            return (tensor.Name, data, (long[])[.. input.Shape.Select(d => d == Shape.Batch ? batch : d)]);
        })]);
    }

    public static float[][] Run(OnnxModel model, params (string Name, float[] Data, long[] Shape)[] inputs)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 2 };
        using var session = new InferenceSession(model.ToBytes(), options);
        using var runOptions = new RunOptions();
        var values = inputs.Select(input => OrtValue.CreateTensorValueFromMemory(input.Data, input.Shape)).ToArray();
        using var results = session.Run(runOptions, [.. inputs.Select(input => input.Name)], values, session.OutputNames);
        float[][] outputs = [.. results.Select(result => result.GetTensorDataAsSpan<float>().ToArray())];
        Array.ForEach(values, value => value.Dispose());
        return outputs;
    }
}
