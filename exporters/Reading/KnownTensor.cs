using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

/// <summary>A tensor whose elements are all known when a file is read: a constant, or integers that depend only on the batch size.</summary>
internal sealed class KnownTensor
{
    /// <summary>The largest tensor that is computed while a file is read.</summary>
    public const int MostElements = 1 << 16;

    public KnownTensor(Shape shape, float[] reals) => (Type, Shape, Reals, Integers) = (ElementType.Float32, shape, reals, []);

    public KnownTensor(ElementType type, Shape shape, Size[] integers) => (Type, Shape, Integers, Reals) = (type, shape, integers, []);

    public ElementType Type { get; }

    public Shape Shape { get; }

    /// <summary>The elements of a Float32 tensor; empty for other types.</summary>
    public float[] Reals { get; }

    /// <summary>The elements of other types; 0 and 1 for Bool.</summary>
    public Size[] Integers { get; }

    public int Count => Reals.Length + Integers.Length;

    /// <summary>Whether nothing depends on the batch.</summary>
    public bool IsFixed => Integers.All(size => size.IsFixed);

    /// <summary>The integers as numbers; null if one depends on the batch.</summary>
    public long[]? Longs => IsFixed ? [.. Integers.Select(size => size.Fixed)] : null;

    /// <summary>A value's elements if they are known: a constant that is not large, or one number everywhere.</summary>
    public static KnownTensor? Of(Value value)
    {
        if (value.Shape.HasBatch || value.Shape.ElementCount > MostElements)
        {
            return null;
        }

        if (value.Producer is { OperatorType: "ConstantOfShape", IsOpaque: false } filled)
        {
            return new KnownTensor(value.Shape, [.. Enumerable.Repeat(filled.Attribute<Tensor>("value").As<float>()[0], (int)value.Shape.ElementCount)]);
        }

        return value.Constant switch
        {
            null => null,
            { Type: ElementType.Float32 } tensor => new KnownTensor(tensor.Shape, tensor.As<float>().ToArray()),
            { Type: ElementType.Int64 } tensor => new KnownTensor(tensor.Type, tensor.Shape, [.. tensor.As<long>().ToArray().Select(number => new Size(number))]),
            var tensor => new KnownTensor(tensor.Type, tensor.Shape, [.. tensor.Data.ToArray().Select(number => new Size(number))]),
        };
    }

    /// <summary>A vector of sizes.</summary>
    public static KnownTensor OfSizes(params Size[] sizes) => new(ElementType.Int64, [sizes.Length], sizes);

    /// <summary>A scalar of a type.</summary>
    public static KnownTensor OfNumber(ElementType type, Size number) => new(type, Shape.Scalar, [number]);

    /// <summary>Elements of this tensor under another shape.</summary>
    public KnownTensor Pick(Shape shape, IEnumerable<long> positions) => Type == ElementType.Float32
        ? new KnownTensor(shape, [.. positions.Select(position => Reals[position])])
        : new KnownTensor(Type, shape, [.. positions.Select(position => Integers[position])]);

    /// <summary>The same elements under another shape.</summary>
    public KnownTensor As(Shape shape) => Type == ElementType.Float32 ? new KnownTensor(shape, Reals) : new KnownTensor(Type, shape, Integers);

    /// <summary>The tensor as a value of a graph.</summary>
    /// <param name="like">A value with the open batch, for numbers that depend on it.</param>
    public Value ToValue(Func<Value> like)
    {
        if (Type == ElementType.Float32)
        {
            return Value.Of<float>(Shape, Reals);
        }

        if (Type == ElementType.Int64)
        {
            return Longs is { } numbers ? Value.Of<long>(Shape, numbers)
                : Ops.Reshape(Ops.SizesAtRunTime([.. Integers.Select(size => size.Fixed)], [.. Integers.Select(size => size.PerRow)], like()), Shape);
        }

        return Value.Of(new Tensor(Type, Shape, Integers.Select(size => (byte)size.Fixed).ToArray()));
    }
}
