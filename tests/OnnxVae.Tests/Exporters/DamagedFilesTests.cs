using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Format.Schema;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Exporters;

/// <summary>Files with one thing changed: what ONNX Runtime refuses is refused here, in one sentence.</summary>
internal sealed class DamagedFilesTests
{
    private const int Changes = 60;

    private static readonly string[] OtherOperators = ["Relu", "Add", "MatMul", "Concat", "Reshape", "ReduceSum", "Gather", "Cast", "Conv", "Slice", "Unsqueeze", "Where", "Softmax", "TopK", "Nothing"];

    private static IEnumerable<string> Files => Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures/pytorch"), "*_open.onnx").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Files))]
    public void Read_OfAChangedFile_RefusesWhatOnnxRuntimeDoes(string file)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures/pytorch", file));
        var random = new Random(file.Sum(letter => letter));
        var accepted = new List<string>();
        for (int i = 0; i < Changes; i++)
        {
            var proto = ModelProto.Parser.ParseFrom(bytes);
            string change = Change(proto, random);
            if (TryRead(proto, change) && RefusalOf(proto) is { } refusal)
            {
                accepted.Add($"{change}: {refusal}");
            }
        }

        Assert.That(accepted, Is.Empty, string.Join('\n', accepted));
    }

    private static bool TryRead(ModelProto proto, string change)
    {
        try
        {
            _ = OnnxGraph.Read(new OnnxModel(proto.Clone()));
            return true;
        }
        catch (InvalidDataException e)
        {
            Assert.That(e.Message, Does.EndWith(".").And.Not.Contain("(Parameter").And.Not.Contain("Object reference").And.Not.Contain('\n'), change);
            return false;
        }
    }

    private static string? RefusalOf(ModelProto proto)
    {
        using var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        try
        {
            using var session = new InferenceSession(proto.ToByteArray(), options);
            return null;
        }
        catch (OnnxRuntimeException e)
        {
            return e.Message.Contains("tensor(int32)", StringComparison.Ordinal) ? null : e.Message; // integers of all sizes are read alike
        }
    }

    private static string Change(ModelProto proto, Random random)
    {
        var node = Any(proto.Graph.Node, random);
        var attribute = node.Attribute.Count > 0 ? Any(node.Attribute, random) : null;
        string where = $"{node.OpType} '{node.Name}'";
        switch (random.Next(16))
        {
            case 0 when attribute is not null:
                node.Attribute.Remove(attribute);
                return $"{where} without {attribute.Name}";
            case 1 when attribute is { Type: AttributeProto.Types.AttributeType.Int }:
                attribute.I = random.Next(4) switch { 0 => -1, 1 => 0, 2 => 99, _ => attribute.I + 1 };
                return $"{where} with {attribute.Name} = {attribute.I}";
            case 2 when attribute is { Type: AttributeProto.Types.AttributeType.Ints, Ints.Count: > 0 }:
                attribute.Ints[random.Next(attribute.Ints.Count)] += random.Next(2) == 0 ? -2 : 3;
                return $"{where} with {attribute.Name} = {attribute.Ints}";
            case 3 when attribute is { Type: AttributeProto.Types.AttributeType.Ints, Ints.Count: > 0 }:
                attribute.Ints.RemoveAt(0);
                return $"{where} with fewer {attribute.Name}";
            case 4 when attribute is not null:
                attribute.Type = AttributeProto.Types.AttributeType.Float;
                return $"{where} with {attribute.Name} as a Float";
            case 5 when attribute is not null:
                attribute.Name += "s";
                return $"{where} with {attribute.Name}";
            case 6 when node.Input.Count > 0:
                node.Input.RemoveAt(random.Next(node.Input.Count));
                return $"{where} without an input";
            case 7 when node.Input.Count > 0:
                node.Input[random.Next(node.Input.Count)] = random.Next(2) == 0 ? "nowhere" : "";
                return $"{where} with an unknown input";
            case 8 when node.Input.Count > 0:
                node.Input[random.Next(node.Input.Count)] = Any(proto.Graph.Initializer.Select(tensor => tensor.Name).Append("x").ToArray(), random);
                return $"{where} with another input {node.Input}";
            case 9 when node.Input.Count > 0:
                node.Input.Add(node.Input[^1]);
                return $"{where} with one more input";
            case 10:
                node.Output.Add("more");
                return $"{where} with one more output";
            case 11:
                node.Output[0] = Any(proto.Graph.Node, random).Output[0];
                return $"{where} with output {node.Output[0]}";
            case 12:
                node.OpType = Any(OtherOperators, random);
                return $"{where} as {node.OpType}";
            case 13 when proto.Graph.Initializer.Count > 0:
                var tensor = Any(proto.Graph.Initializer, random);
                tensor.Dims.Add(random.Next(1, 3));
                tensor.RawData = ByteString.CopyFrom([.. Enumerable.Repeat(tensor.RawData.ToArray(), (int)tensor.Dims[^1]).SelectMany(part => part)]);
                return $"{tensor.Name} of [{tensor.Dims}]";
            case 14 when proto.Graph.Initializer.Count > 0:
                tensor = Any(proto.Graph.Initializer, random);
                tensor.RawData = ByteString.CopyFrom(tensor.RawData.ToArray().AsSpan(1));
                return $"{tensor.Name} truncated";
            default:
                proto.Graph.Node.Remove(node);
                return $"without {where}";
        }
    }

    private static T Any<T>(IReadOnlyList<T> list, Random random) => list[random.Next(list.Count)];
}
