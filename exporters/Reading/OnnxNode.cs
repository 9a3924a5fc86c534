using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>A node of a file with its inputs, as the rows of <see cref="OperatorReaders"/> and <see cref="ConstantFolding"/> see it.</summary>
internal sealed partial class OnnxNode
{
    private readonly NodeProto proto;
    private readonly Operand?[] inputs;
    private readonly ReadValues values;

    public OnnxNode(NodeProto proto, ReadValues values)
    {
        (this.proto, this.values) = (proto, values);
        inputs = [.. proto.Input.Select(name => name.Length == 0 ? null : values.Find(name)
            ?? throw Error($"its input '{name}' is neither an input of the graph nor computed before it"))];
    }

    /// <summary>Number of inputs, including omitted ones.</summary>
    public int Count => inputs.Length;

    /// <summary>Number of outputs.</summary>
    public int OutputCount => proto.Output.Count;

    /// <summary>The file's operator set.</summary>
    public long OperatorSet => values.OperatorSet;

    /// <summary>Whether all inputs are floats.</summary>
    public bool IsReal => inputs.All(input => input is null or { Type: ElementType.Float32 });

    /// <summary>Whether all inputs but one are floats.</summary>
    public bool IsRealBut(int input) => Enumerable.Range(0, Count).All(i => i == input || !Has(i) || inputs[i]!.Type == ElementType.Float32);

    /// <summary>Whether an input is known to be zero everywhere, including every row of an open batch.</summary>
    public bool IsZero(int input) => Known(input) is { Type: ElementType.Float32 } known ? !known.Reals.AsSpan().ContainsAnyExcept(0f)
        : this[input].Producer is { OperatorType: "Expand" } repeated && KnownTensor.Of(repeated.Inputs[0]) is { Type: ElementType.Float32 } one && !one.Reals.AsSpan().ContainsAnyExcept(0f);

    /// <summary>A required input.</summary>
    public Value this[int index] => Operand(index).Value;

    /// <summary>Whether an optional input is present.</summary>
    public bool Has(int index) => index < inputs.Length && inputs[index] is not null;

    /// <summary>An optional input.</summary>
    public Value? Find(int index) => Has(index) ? inputs[index]!.Value : null;

    /// <summary>The elements of an input, if they are known.</summary>
    public KnownTensor? Known(int index) => Has(index) ? inputs[index]!.Known : null;

    /// <summary>The shape of an input.</summary>
    public Shape ShapeOf(int index) => Operand(index).Shape;

    public long Int(string name, long otherwise) => Find(name)?.I ?? otherwise;

    public float Float(string name, float otherwise) => Find(name)?.F ?? otherwise;

    public string Text(string name, string otherwise) => Find(name)?.S.ToStringUtf8() ?? otherwise;

    /// <summary>A setting that is on or off.</summary>
    /// <exception cref="InvalidDataException">It is neither 0 nor 1.</exception>
    public bool Flag(string name) => Int(name, 0) is var number and (0 or 1) ? number == 1 : throw Error($"its {name} is {Int(name, 0)}; expected 0 or 1");

    /// <summary>A string setting with one of the values that the operator knows; the first one if it is left out.</summary>
    /// <exception cref="InvalidDataException">It has another value.</exception>
    public string OneOf(string name, params string[] known) => Text(name, known[0]) is var text && known.Contains(text) ? text
        : throw Error($"its {name} is '{text}'; expected one of {string.Join(", ", known)}");

    public long[]? Ints(string name) => Find(name) is { } attribute ? [.. attribute.Ints] : null;

    public string[] Texts(string name) => Find(name) is { } attribute ? [.. attribute.Strings.Select(text => text.ToStringUtf8())] : [];

    public float[]? Floats(string name) => Find(name) is { } attribute ? [.. attribute.Floats] : null;

    public TensorProto? Tensor(string name) => Find(name)?.T;

    /// <summary>Whether the node has an attribute.</summary>
    public bool HasAttribute(string name) => Find(name) is not null;

    /// <summary>An integer input that must be known now.</summary>
    public long[] Longs(int index) => this[index].Constant is { Type: ElementType.Int64 } constant ? constant.As<long>().ToArray()
        : Known(index)?.Longs
        ?? throw NotKnown(index);

    /// <summary>An input of sizes, which may depend on the batch.</summary>
    public Size[] Sizes(int index) => Known(index) is { Type: ElementType.Int64 } known ? known.Integers : throw NotKnown(index);

    /// <summary>A number that must be known now; a default if the input is left out.</summary>
    public float Scalar(int index, float otherwise) => !Has(index) ? otherwise
        : Known(index) is not { Count: 1 } known ? throw NotKnown(index)
        : known.Type == ElementType.Float32 ? known.Reals[0]
        : known.Longs?[0] ?? throw NotKnown(index);

    /// <summary>A float input that must be known now.</summary>
    public float[] Floats(int index) => Known(index) is { Type: ElementType.Float32 } known ? known.Reals : throw NotKnown(index);

    /// <summary>x broadcast to a shape, which may have the open batch.</summary>
    public Value BroadcastTo(Value x, Shape shape) => x.Shape == shape ? x
        : shape.HasBatch && !x.Shape.HasBatch ? Ops.BroadcastTo(x, shape, values.WithBatch())
        : Ops.BroadcastTo(x, shape);

    /// <summary>Reads the node: its elements if they are known, a row's functions, or the node as it is.</summary>
    /// <exception cref="InvalidDataException">It is invalid, or has something that is not supported.</exception>
    public IReadOnlyList<Operand> Read()
    {
        try
        {
            var schema = OperatorSchema.Find(proto.OpType, OperatorSet)
                ?? throw Error($"operator set {OperatorSet} has no such operator, or it uses subgraphs, sequences or strings, which are not supported");
            if (schema.FindFault(proto, [.. inputs.Select(input => input?.Type)]) is { } fault)
            {
                throw Error(fault);
            }

            return ReadValid(schema);
        }
        catch (Exception e) when (e is DivideByZeroException)
        {
            throw Error("it divides by zero", e);
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException or NullReferenceException or InvalidOperationException or KeyNotFoundException or OutOfMemoryException)
        {
            string reason = e is ArgumentException and not ArgumentOutOfRangeException ? WithoutOperator(e.Message).TrimEnd('.') : $"its inputs {Described()} or attributes do not fit each other";
            throw Error(reason, e);
        }
    }

    public InvalidDataException Error(string problem, Exception? cause = null) => new($"{proto.OpType} '{proto.Name}' cannot be read: {problem}.", cause);

    /// <summary>The node as it was read, with results whose types and shapes a row gives.</summary>
    public IReadOnlyList<Value> Keep(params IEnumerable<(ElementType Type, Shape Shape)> results)
    {
        RequirePlace("it");
        var attributes = proto.Attribute.ToImmutableSortedDictionary(attribute => attribute.Name, ReadAttribute, StringComparer.Ordinal);
        return new Node(proto.OpType, [.. inputs.Select(input => input?.Value ?? Value.Absent)], attributes, results) { IsOpaque = true }.Outputs;
    }

    private IReadOnlyList<Operand> ReadValid(OperatorSchema schema)
    {
        IReadOnlyList<Value>? results = null;
        string problem = "its settings have no counterpart here";
        try
        {
            if (ConstantFolding.TryFold(proto.OpType, this) is { } known)
            {
                return [new Operand(known, values.WithBatch)];
            }

            results = OperatorReaders.Rows.TryGetValue(proto.OpType, out var read) ? read(this) : null;
            problem = read is null ? "its operator is not known" : problem;
        }
        catch (NotKnownException e)
        {
            problem = e.Message;
        }

        results ??= PassOn(schema, problem);
        Node.LabelBetween([.. inputs.OfType<Operand>().Where(input => input.Known is null).Select(input => input.Value)], results, _ => proto.Name);
        return [.. results.Select(result => new Operand(result))];
    }

    private IReadOnlyList<Value> PassOn(OperatorSchema schema, string problem)
    {
        RequirePlace(problem, schema);
        if (schema.FindFaultOfResults([.. inputs.Select(input => input?.Type)], [.. proto.Output.Select(name => values.Declared(name)?.Type)]) is { } fault)
        {
            throw Error(fault);
        }

        return Keep(proto.Output.Select(name => name.Length == 0 ? (ElementType.Float32, Shape.Scalar)
            : values.Declared(name) is { } tensor ? (tensor.Type, tensor.Shape)
            : throw Error($"{problem}, and the file does not declare the shape of its result '{name}', without which it cannot be kept as it is")));
    }

    private void RequirePlace(string problem, OperatorSchema? schema = null)
    {
        schema ??= OperatorSchema.Find(proto.OpType, OperatorSet);
        if (OperatorSchema.Find(proto.OpType, OnnxModel.OperatorSet)?.Takes(proto, schema!) != true)
        {
            throw Error($"{problem}, and its definition in operator set {OperatorSet} differs from that in set {OnnxModel.OperatorSet}, which graphs are written in");
        }
    }

    private Operand Operand(int index) => Has(index) ? inputs[index]! : throw Error($"it has no input {index}");

    private NotKnownException NotKnown(int index) => new($"its input {index} ('{proto.Input[index]}') must be constant, but is computed");

    private string Described() => string.Join(", ", inputs.Select(input => input is null ? "none" : $"{input.Type} {input.Shape}"));

    // The functions' messages begin with the operator's name, which is already given.
    private string WithoutOperator(string message) => message.StartsWith($"{proto.OpType}: ", StringComparison.Ordinal) ? message[(proto.OpType.Length + 2)..] : message;

    private AttributeProto? Find(string name) => proto.Attribute.FirstOrDefault(attribute => attribute.Name == name);

    private object ReadAttribute(AttributeProto attribute) => attribute.Type switch
    {
        AttributeProto.Types.AttributeType.Int => attribute.I,
        AttributeProto.Types.AttributeType.Float => attribute.F,
        AttributeProto.Types.AttributeType.String => attribute.S.ToStringUtf8(),
        AttributeProto.Types.AttributeType.Ints => attribute.Ints.ToArray(),
        AttributeProto.Types.AttributeType.Floats => attribute.Floats.ToArray(),
        AttributeProto.Types.AttributeType.Strings => Texts(attribute.Name),
        AttributeProto.Types.AttributeType.Tensor => ProtoTensors.Read(attribute.T),
        _ => throw Error($"its attribute '{attribute.Name}' of type {attribute.Type} is not supported in graphs"),
    };
}
