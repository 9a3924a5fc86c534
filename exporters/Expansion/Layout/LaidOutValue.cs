using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Layout;

/// <summary>A value as it was described, or as rows of pixels, or both: conversions are made once, when somebody asks.</summary>
internal sealed class LaidOutValue
{
    private Value? images;
    private PixelRows? rows;

    private LaidOutValue(Shape shape) => Shape = shape;

    /// <summary>The shape as it was described.</summary>
    public Shape Shape { get; }

    /// <summary>The value as it was described.</summary>
    public Value Images => images ??= rows!.ToImages();

    /// <summary>The value's pixels as rows; for values with at least two axes.</summary>
    public PixelRows Rows => rows ??= PixelRows.From(images!);

    /// <summary>Whether it was computed as rows.</summary>
    public bool IsInRows { get; private init; }

    /// <summary>The forms that were asked for.</summary>
    public IEnumerable<Value> Known => [.. images is null ? [] : (Value[])[images], .. rows?.Parts ?? []];

    /// <summary>A value as it was described.</summary>
    public static LaidOutValue Of(Value images) => new(images.Shape) { images = images };

    /// <summary>A value that was computed as rows.</summary>
    public static LaidOutValue Of(PixelRows rows) => new(rows.Shape) { rows = rows, IsInRows = true };
}
