using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Layout;

/// <summary>A value in its original layout, or as rows of pixels, or both: conversions are made once, on demand.</summary>
internal sealed class LayoutValue
{
    private Value? images;
    private PixelMajorRows? rows;
    private AffineRows? affine;

    private LayoutValue(Shape shape) => Shape = shape;

    /// <summary>The shape in the original layout.</summary>
    public Shape Shape { get; }

    /// <summary>The value in the original layout.</summary>
    public Value Images => images ??= Rows.ToImages();

    /// <summary>The value's pixels as rows; for values with at least two axes.</summary>
    public PixelMajorRows Rows => rows ??= affine?.Compute() ?? PixelMajorRows.From(images!);

    /// <summary>The value's pixels as a deferred sum.</summary>
    public AffineRows Affine => rows is null && affine is not null ? affine : new AffineRows(Rows);

    /// <summary>Whether it is available as rows.</summary>
    public bool IsInRows { get; private init; }

    /// <summary>Computes a sum of several terms, so that its users need not do it again.</summary>
    public void ComputeSums()
    {
        if (affine is { Terms.Length: > 1 })
        {
            rows = affine.Compute();
        }
    }

    /// <summary>What has been computed so far.</summary>
    public IEnumerable<Value> Known =>
    [
        .. images is null ? [] : (Value[])[images],
        .. rows?.Parts ?? [],
        .. affine?.Terms.SelectMany(term => term.Rows.Parts) ?? [],
        .. affine?.Terms.Select(term => term.Scale).Append(affine.Shift).OfType<Value>() ?? [],
    ];

    /// <summary>A value in the original layout.</summary>
    public static LayoutValue Of(Value images) => new(images.Shape) { images = images };

    /// <summary>A value that was computed as rows.</summary>
    public static LayoutValue Of(PixelMajorRows rows) => new(rows.Shape) { rows = rows, IsInRows = true };

    /// <summary>A value that can be computed as rows.</summary>
    public static LayoutValue Of(AffineRows affine) => new(affine.Shape) { affine = affine, IsInRows = true };
}
