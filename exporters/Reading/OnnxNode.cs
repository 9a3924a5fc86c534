using System.Collections.Immutable;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Onnx.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>A node of a file with its inputs, as the rows of <see cref="OperatorReaders"/> see it.</summary>
internal sealed class OnnxNode
{
    private readonly NodeProto proto;
    private readonly Value[] inputs;

    public OnnxNode(NodeProto proto, IReadOnlyDictionary<string, Value> values)
    {
        this.proto = proto;
        inputs = [.. proto.Input.Select(name => values.TryGetValue(name, out var value)
            ? value
            : throw Error($"its input '{name}' is neither an input of the graph nor computed before it"))];
    }

    /// <summary>Number of inputs, left out ones among them.</summary>
    public int Count => inputs.Length;

    /// <summary>Number of outputs.</summary>
    public int OutputCount => proto.Output.Count;

    /// <summary>An input that the operator cannot do without.</summary>
    public Value this[int index] => Has(index) ? inputs[index] : throw Error($"it has no input {index}");

    /// <summary>Whether an optional input is there.</summary>
    public bool Has(int index) => index < inputs.Length && inputs[index] != Value.Absent;

    /// <summary>An optional input.</summary>
    public Value? Find(int index) => Has(index) ? inputs[index] : null;

    public long Int(string name, long otherwise) => Find(name)?.I ?? otherwise;

    public float Float(string name, float otherwise) => Find(name)?.F ?? otherwise;

    public string Text(string name, string otherwise) => Find(name)?.S.ToStringUtf8() ?? otherwise;

    public long[]? Ints(string name) => Find(name) is { } attribute ? [.. attribute.Ints] : null;

    public TensorProto? Tensor(string name) => Find(name)?.T;

    /// <summary>An input whose numbers have to be known now: shapes, axes.</summary>
    public long[] Longs(int index) => this[index].Constant is { Type: ElementType.Int64 } constant
        ? constant.As<long>().ToArray()
        : throw Error($"its input {index} ('{proto.Input[index]}') must be constant, but is computed: {inputs[index]}");

    /// <summary>One number that has to be known now; a default where the input is left out.</summary>
    public float Scalar(int index, float otherwise) => !Has(index) ? otherwise
        : inputs[index].Constant is { Shape.ElementCount: 1, Type: ElementType.Float32 } real ? real.As<float>()[0]
        : inputs[index].Constant is { Shape.ElementCount: 1, Type: ElementType.Int64 } integer ? integer.As<long>()[0]
        : throw Error($"its input {index} ('{proto.Input[index]}') must be one constant number, but is {inputs[index]}");

    /// <summary>Numbers that have to be known now.</summary>
    public float[] Floats(int index) => this[index].Constant is { Type: ElementType.Float32 } constant
        ? constant.As<float>().ToArray()
        : throw Error($"its input {index} ('{proto.Input[index]}') must be constant, but is computed: {inputs[index]}");

    /// <summary>Axes, an attribute in older operator sets and an input in newer ones; null for all.</summary>
    public long[]? Axes(int input) => Ints("axes") ?? (Has(input) ? Longs(input) : null);

    /// <summary>Finds the operator's row and applies it; operators and settings that are not known stay as they are.</summary>
    /// <param name="shapes">What the file says about results.</param>
    /// <param name="operatorSet">The file's operator set.</param>
    public IReadOnlyList<Value> Read(IReadOnlyDictionary<string, ModelTensor> shapes, long operatorSet)
    {
        var (results, problem) = Apply();
        results ??= PassOn(shapes, operatorSet, problem);
        Node.LabelBetween(inputs, results, _ => proto.Name);
        return results;
    }

    private (IReadOnlyList<Value>? Results, string Problem) Apply()
    {
        try
        {
            if (ShapeArithmetic.TryFold(proto.OpType, this) is { } folded)
            {
                return ([folded], "");
            }

            return OperatorReaders.Rows.TryGetValue(proto.OpType, out var read)
                ? (read(this), "its settings have no counterpart here")
                : (null, "the operator is not known");
        }
        catch (Exception e) when (e is ArgumentException or InvalidDataException)
        {
            return (null, e.Message.TrimEnd('.'));
        }
    }

    public InvalidDataException Error(string problem) => new($"{proto.OpType} '{proto.Name}' cannot be read: {problem}.");

    private AttributeProto? Find(string name) => proto.Attribute.FirstOrDefault(attribute => attribute.Name == name);

    private ImmutableArray<Value> PassOn(IReadOnlyDictionary<string, ModelTensor> shapes, long operatorSet, string problem)
    {
        if (operatorSet > OnnxModel.OperatorSet || (operatorSet < OnnxModel.OperatorSet && ChangedUpToOperatorSet18(proto.OpType)))
        {
            throw Error($"{problem}, and from operator set {operatorSet} it cannot stay as it is in set {OnnxModel.OperatorSet}; convert the file to that set with ONNX's version converter");
        }

        var outputs = proto.Output.Select(name => name.Length == 0 ? (ElementType.Float32, Shape.Scalar)
            : shapes.TryGetValue(name, out var tensor) ? (tensor.Type, tensor.Shape)
            : throw Error($"{problem}, and the file does not tell the shape of its result '{name}'; add shapes with ONNX's shape inference"));
        var attributes = proto.Attribute.ToImmutableSortedDictionary(attribute => attribute.Name, ReadAttribute, StringComparer.Ordinal);
        return new Node(proto.OpType, [.. inputs], attributes, outputs) { IsOpaque = true }.Outputs;
    }

    // Operators whose inputs or attributes changed between the oldest set that is read and 18.
    private static bool ChangedUpToOperatorSet18(string operatorType) =>
        operatorType.StartsWith("Reduce", StringComparison.Ordinal) || operatorType is "Resize" or "Pad" or "Split" or "BatchNormalization";

    private object ReadAttribute(AttributeProto attribute) => attribute.Type switch
    {
        AttributeProto.Types.AttributeType.Int => attribute.I,
        AttributeProto.Types.AttributeType.Float => attribute.F,
        AttributeProto.Types.AttributeType.String => attribute.S.ToStringUtf8(),
        AttributeProto.Types.AttributeType.Ints => attribute.Ints.ToArray(),
        AttributeProto.Types.AttributeType.Floats => attribute.Floats.ToArray(),
        AttributeProto.Types.AttributeType.Tensor => ProtoTensors.Read(attribute.T),
        _ => throw Error($"its attribute '{attribute.Name}' of type {attribute.Type} has no place in a graph"),
    };
}
