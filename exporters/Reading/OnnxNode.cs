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

    /// <summary>A number that has to be known now; a default where the input is left out.</summary>
    public float Scalar(int index, float otherwise) => !Has(index) ? otherwise
        : inputs[index].Constant is { Type: ElementType.Float32 } constant ? constant.As<float>()[0]
        : throw Error($"its input {index} ('{proto.Input[index]}') must be constant, but is computed: {inputs[index]}");

    /// <summary>Axes, an attribute in older operator sets and an input in newer ones; null for all.</summary>
    public long[]? Axes(int input) => Ints("axes") ?? (Has(input) ? Longs(input) : null);

    /// <summary>Finds the operator's row and applies it; unknown operators stay as they are.</summary>
    public IReadOnlyList<Value> Read(IReadOnlyDictionary<string, ModelTensor> shapes)
    {
        try
        {
            var results = ShapeArithmetic.TryFold(proto.OpType, this) is { } folded ? [folded]
                : OperatorReaders.Rows.TryGetValue(proto.OpType, out var read) ? read(this)
                : null;
            results ??= PassOn(shapes);
            Node.LabelBetween(inputs, results, _ => proto.Name);
            return results;
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{proto.OpType} '{proto.Name}': {e.Message}", e);
        }
    }

    public InvalidDataException Error(string problem) => new($"{proto.OpType} '{proto.Name}' cannot be read: {problem}.");

    private AttributeProto? Find(string name) => proto.Attribute.FirstOrDefault(attribute => attribute.Name == name);

    private ImmutableArray<Value> PassOn(IReadOnlyDictionary<string, ModelTensor> shapes)
    {
        var outputs = proto.Output.Select(name => shapes.TryGetValue(name, out var tensor)
            ? (tensor.Type, tensor.Shape)
            : throw Error($"the operator is not known, and the file does not tell the shape of its result '{name}'; add shapes with ONNX's shape inference"));
        var attributes = proto.Attribute.ToImmutableSortedDictionary(attribute => attribute.Name, ReadAttribute, StringComparer.Ordinal);
        return new Node(proto.OpType, [.. inputs], attributes, outputs).Outputs;
    }

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
