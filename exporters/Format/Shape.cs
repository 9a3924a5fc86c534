using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace OnnxVae.Format;

/// <summary>
/// An immutable tensor shape. Every dimension is a fixed size, except that one, usually the first, may be
/// <see cref="Batch"/>: as many rows as the caller supplies. A negative size -k stands for k times that, so that sizes are
/// multiplied and divided like any others.
/// </summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IReadOnlyList<long>, IEquatable<Shape>
{
    /// <summary>The symbolic size of a batch dimension, written as <c>N</c> in ONNX files.</summary>
    public const long Batch = -1;

    private readonly ImmutableArray<long> dimensions;

    private Shape(ImmutableArray<long> dimensions) => this.dimensions = dimensions;

    /// <summary>The shape of a scalar: no dimensions, one element.</summary>
    public static Shape Scalar { get; } = new([]);

    private ImmutableArray<long> Dimensions => dimensions.IsDefault ? [] : dimensions;

    /// <summary>Number of dimensions.</summary>
    public int Rank => Dimensions.Length;

    /// <summary>Size of a dimension.</summary>
    public long this[int index] => Dimensions[index];

    /// <summary>Size of a dimension counted from the last, as in <c>shape[^1]</c>.</summary>
    public long this[Index index] => Dimensions[index.GetOffset(Rank)];

    /// <summary>Whether a dimension is symbolic.</summary>
    public bool HasBatch => Dimensions.Any(d => d < 0);

    /// <summary>Number of elements; of one row if the batch is symbolic.</summary>
    public long ElementCount => Dimensions.Aggregate(1L, (product, d) => product * Math.Abs(d));

    int IReadOnlyCollection<long>.Count => Rank;

    /// <summary>Creates a shape from its dimensions.</summary>
    public static Shape Create(ReadOnlySpan<long> dimensions) => new([.. dimensions]);

    /// <summary>The shape with one dimension replaced.</summary>
    public Shape With(int axis, long size) => Create(Dimensions.SetItem(axis, size).AsSpan());

    /// <summary>Counts an axis from the first dimension.</summary>
    /// <exception cref="ArgumentException">The axis is outside the shape.</exception>
    public int Axis(long axis) => axis >= -Rank && axis < Rank
        ? (int)(axis + Rank) % Rank
        : throw new ArgumentException($"Axis {axis} is outside shape {this} of rank {Rank}.");

    /// <summary>
    /// The shape that two operands broadcast to: dimensions are aligned at the last, sizes agree or one of them is 1.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static Shape Broadcast(Shape a, Shape b)
    {
        var result = new long[Math.Max(a.Rank, b.Rank)];
        for (int i = 1; i <= result.Length; i++)
        {
            long x = i <= a.Rank ? a[^i] : 1, y = i <= b.Rank ? b[^i] : 1;
            result[^i] = x == y || y == 1 ? x
                : x == 1 ? y
                : throw new ArgumentException($"Shapes {a} and {b} do not broadcast: {Name(x)} against {Name(y)}.");
        }

        return Create(result);
    }

    /// <summary>Whether a tensor of this shape can be broadcast to another shape.</summary>
    public bool BroadcastsTo(Shape other)
    {
        var self = this;
        return Rank <= other.Rank && Enumerable.Range(1, Rank).All(i => self[^i] == 1 || self[^i] == other[^i]);
    }

    /// <summary>The dimensions as ONNX Runtime takes them.</summary>
    public long[] ToArray() => [.. Dimensions];

    /// <inheritdoc/>
    public bool Equals(Shape other) => Dimensions.AsSpan().SequenceEqual(other.Dimensions.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Dimensions.Aggregate(Rank, HashCode.Combine);

    /// <summary>Whether two shapes have the same dimensions.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Whether two shapes differ in a dimension.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>Enumerates the dimensions.</summary>
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)Dimensions).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The shape as <c>[N, 1, 28, 28]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Dimensions.Select(Name))}]";

    /// <summary>A dimension as it is written: its size, <c>N</c>, or <c>4 N</c>.</summary>
    public static string Name(long dimension) => dimension switch
    {
        >= 0 => $"{dimension}",
        Batch => "N",
        _ => $"{-dimension} N",
    };
}
