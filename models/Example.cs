using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models;

/// <summary>One example: 8-bit pixels, or real numbers, and perhaps a class. How the model sees the values is part of the graph.</summary>
/// <param name="Shape">Its shape.</param>
public sealed record Example(ExampleShape Shape)
{
    /// <summary>How pixels are prepared for the model.</summary>
    public PixelPreparation Pixels { get; init; }

    /// <summary>How real numbers are scaled; null if training takes 8-bit pixels.</summary>
    public Scaling? Scaling { get; init; }

    /// <summary>Whether the last axis of the arrays that it comes from is that of channels, for those who read more of them.</summary>
    public bool IsChannelsLast { get; init; }

    /// <summary>The columns of the table whose rows the examples are, with NaN for missing values; null for other examples.</summary>
    public TableSpec? Table { get; init; }

    /// <summary>Whether all values are in [0, 1], like those of pixels.</summary>
    public bool IsUnitRange => Scaling is null or { IsUnitRange: true };

    /// <summary>The names of the classes that a label chooses from; empty for examples without labels.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>A batch of examples.</summary>
    /// <param name="size">N.</param>
    public ExampleBatch Batch(int size)
    {
        var images = ProgramInput.Data("images", Scaling is null ? ElementType.UInt8 : ElementType.Float32, Shape.Batch(size));
        var binarization = ProgramInput.DataUniform("binarizationNoise", Shape.Batch(size));
        var values = Scaling is null ? Cast(images.Value, ElementType.Float32) * (1f / 255f) : Completed(images.Value);
        var seen = Pixels switch
        {
            PixelPreparation.Threshold => Binary(values, 0.5f),
            PixelPreparation.Sampled => Binary(values, binarization.Value),
            _ => values,
        };
        return new ExampleBatch(images, binarization, Classes.Count > 0 ? ProgramInput.Data("labels", ElementType.Int64, [size]) : null, seen) { Observed = Observed(images.Value) };
    }

    /// <summary>Examples as a deployed graph takes them, Float32 [N, C, ...] in [0, 1] or in the data's units, for any N, and as the model sees them.</summary>
    public (Value Input, Value Seen) Deployed()
    {
        var input = Value.Input("image", ElementType.Float32, Shape.Batch(Format.Shape.Batch));
        return (input, See(input));
    }

    /// <summary>Examples in deployed graphs as the model sees them.</summary>
    /// <param name="values">Float32, in [0, 1] or in the data's units.</param>
    internal Value See(Value values) => Pixels == PixelPreparation.Grey ? Completed(values) : Binary(values, 0.5f);

    /// <summary>1 for values that are there, 0 for missing ones, Float32 [N, C]; null for examples without any missing.</summary>
    /// <param name="values">Float32 [N, C].</param>
    internal Value? Observed(Value values) => Table is null ? null : Where(IsNaN(values), 0f, 1f);

    /// <summary>What each channel is divided by, Float32 [C, 1, ...]; null for values that are seen as they are.</summary>
    internal Value? Scales => PerChannel(Scaling?.Scales ?? []);

    /// <summary>What is subtracted from each channel, likewise.</summary>
    internal Value? Offsets => PerChannel(Scaling?.Offsets ?? []);

    // A missing number is seen as 0, the mean of standardized ones, and a missing category as none.
    private Value Completed(Value values) => Table is null ? Scaled(values) : Where(IsNaN(values), 0f, Scaled(values));

    private Value Scaled(Value values) => Offsets is { } offsets ? (values - offsets) * PerChannel([.. Scaling!.Scales.Select(scale => 1 / scale)])! : values;

    private Value? PerChannel(IReadOnlyList<float> numbers) => numbers.Count == 0 ? null : Value.Of<float>([Shape.Channels, .. Shape.Sides.Select(_ => 1L)], [.. numbers]);

    // 1 with the pixel's probability if the threshold is uniform noise; 1 for pixels above one half if the threshold is one half.
    private static Value Binary(Value pixels, Value threshold) => Where(Greater(pixels, threshold), 1f, 0f);
}

/// <summary>A batch of examples as inputs of a program.</summary>
/// <param name="Images">UInt8 or Float32 [N, C, ...].</param>
/// <param name="Binarization">Binarization noise, for pixels that are drawn to be 0 or 1; unused inputs are left out of the file.</param>
/// <param name="Labels">The classes, Int64 [N]; null for examples without labels.</param>
/// <param name="Seen">The examples as the model sees them, Float32 [N, C, ...].</param>
public sealed record ExampleBatch(ProgramInput Images, ProgramInput Binarization, ProgramInput? Labels, Value Seen)
{
    /// <summary>1 for values that are there, 0 for missing ones, Float32 [N, C]; null for examples without any missing.</summary>
    internal Value? Observed { get; init; }
}
