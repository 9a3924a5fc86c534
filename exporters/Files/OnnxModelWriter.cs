using System.Globalization;
using Google.Protobuf;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Exporters.Files;

/// <summary>
/// Collects a graph of standard operators backwards from its outputs into an ONNX model: orders nodes and names everything. The same graph
/// always gives the same bytes.
/// </summary>
internal sealed class OnnxModelWriter
{
    /// <summary>The name of the producer in files.</summary>
    internal const string Producer = "OnnxVae";

    private const string ConstantName = "constant";

    private readonly GraphProto graph = new();
    private readonly Dictionary<Value, string> names = [];
    private readonly Dictionary<string, int> uses = [];

    private OnnxModelWriter()
    {
    }

    /// <summary>Writes a model.</summary>
    /// <param name="name">The graph's name.</param>
    /// <param name="inputs">The graph inputs in order; ones that no output needs are left out.</param>
    /// <param name="outputs">The graph outputs in order, by name, computed by standard operators.</param>
    /// <exception cref="ArgumentException">An output depends on an input that is not listed, or a name occurs twice.</exception>
    public static OnnxModel Write(string name, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs)
    {
        var order = GraphOrder.Of([.. outputs.Select(output => output.Value)]);
        var needed = order.Where(value => value.Name is not null && value != Value.Absent).ToHashSet();
        if (needed.Except(inputs).FirstOrDefault() is { } missing)
        {
            throw new ArgumentException($"Graph '{name}' needs '{missing}', which is not among its inputs.");
        }

        var writer = new OnnxModelWriter { graph = { Name = name }, names = { [Value.Absent] = "" } };
        foreach (var input in inputs.Where(needed.Contains))
        {
            writer.graph.Input.Add(Describe(writer.ClaimAtBorder(input.Name!), input.Type, input.Shape));
            writer.names[input] = input.Name!;
        }

        writer.AddOutputs(outputs, order);
        return new OnnxModel(new ModelProto
        {
            IrVersion = OnnxModel.IrVersion,
            ProducerName = Producer,
            ProducerVersion = typeof(OnnxModelWriter).Assembly.GetName().Version!.ToString(3),
            Graph = writer.graph,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OnnxModel.OperatorSet } },
        });
    }

    private void AddOutputs(IReadOnlyList<(string Name, Value Value)> outputs, IReadOnlyList<Value> order)
    {
        var identities = new List<NodeProto>();
        foreach (var (name, value) in outputs)
        {
            if (value.Name == name)
            {
                graph.Output.Add(Describe(name, value.Type, value.Shape)); // an input itself
                continue;
            }

            graph.Output.Add(Describe(ClaimAtBorder(name), value.Type, value.Shape));
            if (value.Producer is null || !names.TryAdd(value, name))
            {
                // An input, a constant, or a value that is an output under another name already.
                identities.Add(new NodeProto { OpType = "Identity", Name = $"{name}/Identity", Output = { name }, Input = { Name(value) } });
            }
        }

        foreach (var node in order.Where(value => value.Producer is not null).GroupBy(value => value.Producer!))
        {
            graph.Node.Add(ToProto(node.Key, [.. node]));
        }

        graph.Node.Add(identities);
    }

    // Unneeded outputs have no name, except the first; those after the last needed one are left out. A node that was read and kept as it is
    // keeps all, because their number may matter, as in Split; TopK always has both.
    private NodeProto ToProto(Node node, IReadOnlyList<Value> needed)
    {
        needed = node.IsOpaque || node.OperatorType == nameof(Ops.TopK) ? node.Outputs : needed;
        string name = Claim(node.Path.Length == 0 ? node.OperatorType : $"{node.Path}/{node.OperatorType}");
        names.TryAdd(node.Outputs[0], name);
        foreach (var value in needed)
        {
            names.TryAdd(value, Claim($"{name}.{value.OutputIndex}"));
        }

        return new NodeProto
        {
            OpType = node.OperatorType,
            Name = name,
            Input = { node.Inputs.Select(Name) },
            Output = { node.Outputs.Take(needed.Max(value => value.OutputIndex) + 1).Select(output => names.GetValueOrDefault(output, "")) },
            Attribute = { node.OnnxAttributes.Select(attribute => ToProto(attribute.Key, attribute.Value)) },
        };
    }

    private string Name(Value value) => names.TryGetValue(value, out var name) ? name : names[value] = AddConstant(value.Constant!);

    private string AddConstant(Tensor tensor)
    {
        string name = Claim(ConstantName);
        graph.Initializer.Add(OnnxModel.ToProto(name, tensor));
        return name;
    }

    /// <summary>Whether a stored tensor is a constant that had no name: <c>constant</c>, <c>constant_2</c>.</summary>
    internal static bool IsNameOfConstant(string name) =>
        name == ConstantName || (name.StartsWith($"{ConstantName}_", StringComparison.Ordinal) && name[(ConstantName.Length + 1)..].All(char.IsAsciiDigit));

    private string ClaimAtBorder(string name) => uses.TryAdd(name, 1)
        ? name
        : throw new ArgumentException($"Graph '{graph.Name}' has two inputs or outputs named '{name}'.");

    // Names are unique: the second "Relu" is "Relu_2".
    private string Claim(string name)
    {
        int use = uses[name] = uses.GetValueOrDefault(name) + 1;
        return use == 1 ? name : Claim(string.Create(CultureInfo.InvariantCulture, $"{name}_{use}"));
    }

    private static AttributeProto ToProto(string name, object value) => value switch
    {
        long number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = number },
        float number => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = number },
        string text => new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(text) },
        float[] numbers => new() { Name = name, Type = AttributeProto.Types.AttributeType.Floats, Floats = { numbers } },
        long[] numbers => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { numbers } },
        string[] texts => new() { Name = name, Type = AttributeProto.Types.AttributeType.Strings, Strings = { texts.Select(ByteString.CopyFromUtf8) } },
        Tensor tensor => new() { Name = name, Type = AttributeProto.Types.AttributeType.Tensor, T = OnnxModel.ToProto("", tensor) },
        _ => throw new InvalidOperationException($"Attribute '{name}' of type {value.GetType().Name} cannot be stored in an ONNX file."),
    };

    private static ValueInfoProto Describe(string name, ElementType type, Shape shape)
    {
        var dimensions = shape.Select(d => d < 0
            ? new TensorShapeProto.Types.Dimension { DimParam = Shape.Name(d) }
            : new TensorShapeProto.Types.Dimension { DimValue = d });
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = new TensorShapeProto { Dim = { dimensions } } } },
        };
    }
}
