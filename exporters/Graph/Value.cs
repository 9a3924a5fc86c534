using System.Collections.Immutable;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

/// <summary>
/// A tensor in a graph under construction: immutable, typed, and aware of the node that computes it. Graphs have no
/// container: a model is whatever its outputs reach.
/// </summary>
public sealed class Value
{
    private Value(ElementType type, Shape shape, string? name, Node? producer, int outputIndex, Tensor? constant) =>
        (Type, Shape, Name, Producer, OutputIndex, Constant) = (type, shape, name, producer, outputIndex, constant);

    /// <summary>The element type.</summary>
    public ElementType Type { get; }

    /// <summary>The shape.</summary>
    public Shape Shape { get; }

    /// <summary>The name of a graph input; null for constants and computed values, which are named when a model is written.</summary>
    public string? Name { get; }

    /// <summary>The node that computes this value; null for inputs and constants.</summary>
    public Node? Producer { get; }

    /// <summary>Which of its node's outputs this value is.</summary>
    public int OutputIndex { get; }

    /// <summary>The data of a constant; null otherwise.</summary>
    public Tensor? Constant { get; }

    /// <summary>The inputs of the node that computes this value.</summary>
    public ImmutableArray<Value> Inputs => Producer?.Inputs ?? [];

    /// <summary>Stands for an optional input of an operator that is left out.</summary>
    internal static Value Absent { get; } = new(ElementType.Float32, Shape.Scalar, "", null, 0, null);

    /// <summary>A graph input, or a state's current value.</summary>
    public static Value Input(string name, ElementType type, Shape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new Value(type, shape, name, null, 0, null);
    }

    /// <summary>A constant tensor, stored in the model file.</summary>
    public static Value Of(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new Value(tensor.Type, tensor.Shape, null, null, 0, tensor);
    }

    /// <summary>A constant with the given elements.</summary>
    public static Value Of<T>(Shape shape, params ReadOnlySpan<T> values) where T : unmanaged => Of(Tensor.From(shape, values));

    /// <summary>A constant Int64 vector: axes, shapes, indices.</summary>
    public static Value Indices(params ReadOnlySpan<long> values) => Of([values.Length], values);

    internal static Value Computed(Node producer, int outputIndex, ElementType type, Shape shape) => new(type, shape, null, producer, outputIndex, null);

    /// <summary>A Float32 scalar, so that formulas may hold literals.</summary>
    public static implicit operator Value(float scalar) => Of(Shape.Scalar, scalar);

    /// <summary>Elementwise sum with broadcasting.</summary>
    public static Value operator +(Value a, Value b) => Ops.Add(a, b);

    /// <summary>Elementwise difference with broadcasting.</summary>
    public static Value operator -(Value a, Value b) => Ops.Sub(a, b);

    /// <summary>Elementwise product with broadcasting.</summary>
    public static Value operator *(Value a, Value b) => Ops.Mul(a, b);

    /// <summary>Elementwise quotient with broadcasting.</summary>
    public static Value operator /(Value a, Value b) => Ops.Div(a, b);

    /// <summary>Elementwise negation.</summary>
    public static Value operator -(Value a) => Ops.Neg(a);

    /// <summary>A description of the value, for messages: <c>Relu Float32 [64, 10]</c>.</summary>
    public override string ToString() => $"{Name ?? Producer?.OperatorType ?? "constant"} {Type} {Shape}";
}
