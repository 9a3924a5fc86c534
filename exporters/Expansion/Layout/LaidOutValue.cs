using OnnxVae.Exporters.Onnx;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Expansion.Layout;

/// <summary>A value as it was described, or as rows of pixels, or both: conversions are made once, when somebody asks.</summary>
internal sealed class LaidOutValue
{
    private Value? images;
    private PixelRows? rows;
    private LinearRows? linear;

    private LaidOutValue(Shape shape) => Shape = shape;

    /// <summary>The shape as it was described.</summary>
    public Shape Shape { get; }

    /// <summary>The value as it was described.</summary>
    public Value Images => images ??= Rows.ToImages();

    /// <summary>The value's pixels as rows; for values with at least two axes.</summary>
    public PixelRows Rows => rows ??= linear?.Compute() ?? PixelRows.From(images!);

    /// <summary>The value's pixels as a sum that need not be computed.</summary>
    public LinearRows Linear => rows is null && linear is not null ? linear : new LinearRows(Rows);

    /// <summary>Whether it is at hand as rows.</summary>
    public bool IsInRows { get; private init; }

    /// <summary>Adds up several terms, so that others need not do it again.</summary>
    public void ComputeSums()
    {
        if (linear is { Terms.Length: > 1 })
        {
            rows = linear.Compute();
        }
    }

    /// <summary>What has been computed of it.</summary>
    public IEnumerable<Value> Known =>
    [
        .. images is null ? [] : (Value[])[images],
        .. rows?.Parts ?? [],
        .. linear?.Terms.SelectMany(term => term.Rows.Parts) ?? [],
        .. linear?.Terms.Select(term => term.Scale).Append(linear.Shift).OfType<Value>() ?? [],
    ];

    /// <summary>A value as it was described.</summary>
    public static LaidOutValue Of(Value images) => new(images.Shape) { images = images };

    /// <summary>A value that was computed as rows.</summary>
    public static LaidOutValue Of(PixelRows rows) => new(rows.Shape) { rows = rows, IsInRows = true };

    /// <summary>A value that can be computed as rows.</summary>
    public static LaidOutValue Of(LinearRows linear) => new(linear.Shape) { linear = linear, IsInRows = true };
}
