using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Layout;

/// <summary>
/// A deferred sum of images, each times a number per image and channel, plus such a number. Biases, the scales and
/// shifts of normalization and residual connections are collected here, and computed in only as many passes over the pixels as
/// there are terms; sums over pixels need no pass at all.
/// </summary>
/// <param name="Terms">The images, in one order.</param>
/// <param name="Shift">Float32 scalar or [1, A, B, ...]; null for 0.</param>
internal sealed record AffineRows(ImmutableArray<AffineRows.Term> Terms, Value? Shift)
{
    /// <summary>A sum of these images alone.</summary>
    public AffineRows(PixelMajorRows rows)
        : this([new Term(rows, null, IsSubtracted: false)], null)
    {
    }

    /// <summary>The order of the pixels.</summary>
    public PixelOrder Order => Terms[0].Rows.Order;

    /// <summary>The shape of the images.</summary>
    public Shape Shape => Terms[0].Rows.Shape;

    private bool IsProduct => Terms.Length == 1 && Shift is null;

    /// <summary>Adds a number per image and channel.</summary>
    public AffineRows Plus(Value shift) => this with { Shift = Shift is null ? shift : Shift + shift };

    /// <summary>Adds other images of the same order.</summary>
    public AffineRows Plus(AffineRows other) => other.Shift is null
        ? this with { Terms = [.. Terms, .. other.Terms] }
        : new AffineRows([.. Terms, .. other.Terms], Shift).Plus(other.Shift);

    /// <summary>The negated sum.</summary>
    public AffineRows Negated() =>
        new([.. Terms.Select(term => term with { IsSubtracted = !term.IsSubtracted })], Shift is null ? null : -Shift);

    /// <summary>Multiplies by a number per image and channel.</summary>
    public AffineRows Times(Value scale) =>
        new([.. Terms.Select(term => term with { Scale = term.Scale is null ? scale : term.Scale * scale })], Shift is null ? null : Shift * scale);

    /// <summary>Multiplies by other images of the same order; scales are kept separate.</summary>
    public AffineRows Times(AffineRows other)
    {
        var (a, b) = (AsProduct(), other.AsProduct());
        var product = new AffineRows(new PixelMajorRows([.. a.Rows.Parts.Zip(b.Rows.Parts, Mul)], Order.Map));
        foreach (var scale in new[] { a.Scale, b.Scale }.OfType<Value>())
        {
            product = product.Times(scale);
        }

        return a.IsSubtracted == b.IsSubtracted ? product : product.Negated();
    }

    /// <summary>The same sum with the images reshaped.</summary>
    /// <param name="rows">Reshapes the images.</param>
    /// <param name="numbers">Reshapes the numbers, [1, A, B, ...].</param>
    public AffineRows Select(Func<PixelMajorRows, PixelMajorRows> rows, Func<Value, Value> numbers)
    {
        return new([.. Terms.Select(term => term with { Rows = rows(term.Rows), Scale = Apply(term.Scale) })], Apply(Shift));

        Value? Apply(Value? value) => value is null || value.Shape.Rank == 0 ? value : numbers(value);
    }

    /// <summary>Computes the sum.</summary>
    public PixelMajorRows Compute()
    {
        // An added term comes first.
        var terms = Terms.OrderBy(term => term.IsSubtracted).ToArray();
        var shift = AsRow(Shift, terms[0].Rows.Parts[^1]); // the last part, which ONNX Runtime computes first and can continue from
        return new PixelMajorRows([.. Enumerable.Range(0, Order.ChunkSizes.Length).Select(Part)], Order.Map);

        Value Part(int index)
        {
            bool startsWithShift = terms[0].IsSubtracted && shift is not null;
            var sum = terms[0].Part(index);
            sum = startsWithShift ? shift! - sum : terms[0].IsSubtracted ? -sum : sum;
            foreach (var term in terms.Skip(1))
            {
                sum = term.IsSubtracted ? sum - term.Part(index) : sum + term.Part(index);
            }

            return shift is null || startsWithShift ? sum : sum + shift;
        }
    }

    /// <summary>Sums over pixels: Float32 [1, A, B, ...].</summary>
    public Value SumOverPixels()
    {
        float[] counts = Order.Map.PixelsPerRow();
        var sums = Terms.Select(term =>
        {
            int row = 0;
            var sum = term.Rows.Parts
                .Select(part => MatMulAlong(Value.Of<float>([1, part.Shape[0]], counts.AsSpan(row..(row += (int)part.Shape[0]))), part, 0))
                .Aggregate((sum, more) => sum + more);
            sum = term.Scale is null ? sum : sum * term.Scale;
            return term.IsSubtracted ? -sum : sum;
        }).Aggregate((sum, more) => sum + more);
        return Shift is null ? sums : sums + (Shift * Order.Map.Pixels);
    }

    // Numbers per channel expanded to all images, if their number is not known: adding whole rows is faster.
    private static Value? AsRow(Value? numbers, Value part) =>
        numbers is { Shape: { Rank: > 0, HasBatch: false } } && part.Shape.HasBatch ? numbers + PixelMajorRows.ZeroRow(part) : numbers;

    private Term AsProduct() => IsProduct ? Terms[0] : new Term(Compute(), null, IsSubtracted: false);

    /// <summary>A term of the sum.</summary>
    /// <param name="Rows">The images.</param>
    /// <param name="Scale">Float32 scalar or [1, A, B, ...] that they are multiplied by; null for 1.</param>
    /// <param name="IsSubtracted">Whether they are subtracted instead of added.</param>
    internal sealed record Term(PixelMajorRows Rows, Value? Scale, bool IsSubtracted)
    {
        /// <summary>A part of the images, scaled.</summary>
        public Value Part(int index) => Scale is null ? Rows.Parts[index] : Rows.Parts[index] * Scale;
    }
}
