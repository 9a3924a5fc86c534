using OnnxVae.Exporters.Graph;
using OnnxVae.Models.Objectives;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models;

/// <summary>What a model says about examples, in the data's units instead of those in which it sees them.</summary>
internal static class ExampleUnits
{
    /// <summary>The example that a decoder gives: the mean of the likelihood, in [0, 1] or in the data's units.</summary>
    /// <param name="example">The example.</param>
    /// <param name="likelihood">P(y|z).</param>
    /// <param name="output">The decoder's output, Float32 [N, C, ...].</param>
    public static Value Output(this Example example, Likelihood likelihood, Value output) =>
        example.IsUnitRange ? likelihood.Image(output)
        : example.Scales is { } scales ? (likelihood.Mean(output) * scales) + example.Offsets!
        : likelihood.Mean(output);

    /// <summary>Values in the data's units, but for the offset, which does not matter for differences between them, nor for standard deviations.</summary>
    /// <param name="example">The example.</param>
    /// <param name="values">Values as the model sees them, Float32 [N, C, ...].</param>
    public static Value InUnitsUpToOffset(this Example example, Value values) => example.Scales is { } scales ? values * scales : values;

    /// <summary>The squared difference of examples and the mean of the likelihood, summed over values that count; of rows of a table, whose columns have different units, after scaling.</summary>
    /// <param name="example">The example.</param>
    /// <param name="difference">Their difference as the model sees them, Float32 [N, C, ...].</param>
    /// <param name="counts">1 for values that count; null if all do.</param>
    /// <returns>Float32 [N].</returns>
    public static Value SquaredError(this Example example, Value difference, Value? counts = null)
    {
        var squares = Square(example.Table is null ? example.InUnitsUpToOffset(difference) : difference);
        return SumPerRow(counts is null ? squares : counts * squares);
    }

    /// <summary>The distortion of examples in the data's units: a density is smaller by the product of the scales.</summary>
    /// <param name="example">The example.</param>
    /// <param name="likelihood">P(y|z).</param>
    /// <param name="distortion">The distortion of what the model sees, Float32 [N].</param>
    public static Value Distortion(this Example example, Likelihood likelihood, Value distortion) =>
        likelihood.IsNormalized && example.Scaling is { Scales.Count: > 0 } scaling ? distortion + (float)scaling.LogVolume(example.Shape) : distortion;

    /// <summary>The distortion of each value in the data's units; null for a likelihood in which values are not independent given z.</summary>
    /// <param name="example">The example.</param>
    /// <param name="likelihood">P(y|z).</param>
    /// <param name="y">The examples as the model sees them, Float32 [N, C, ...].</param>
    /// <param name="output">The decoder's output, Float32 [N, C, ...].</param>
    public static Value? ValueDistortions(this Example example, Likelihood likelihood, Value y, Value output) =>
        likelihood.ValueDistortions(y, output) is not { } values ? null
        : likelihood.IsNormalized && example.Scales is { } scales ? values + Log(scales)
        : values;

    /// <summary>Rejects a likelihood of other values, and a preparation of other values than those of pixels.</summary>
    /// <exception cref="ArgumentException">It is for numbers in [0, 1], or its mean is, but not the values; or it is for images or 8-bit pixels alone.</exception>
    public static void RequireFit(this Example example, Likelihood likelihood)
    {
        const string instead = "choose a Gaussian one, with the decoder's output as the mean";
        if (likelihood.IsForImages && !example.Shape.IsImage)
        {
            throw new ArgumentException($"The likelihood '{likelihood.Name}' is for images, but the examples are {example.Shape.Noun} of {example.Shape.Description}: {instead}.", nameof(likelihood));
        }

        if (likelihood is TableLikelihood { Table: var table } && (table.Width != example.Shape.Dimensions || example.Shape.Sides.Count > 0 || example.Scaling is not { IsReal: true, IsUnitRange: false }))
        {
            throw new ArgumentException($"The likelihood '{likelihood.Name}' is for rows of {table.Columns.Count} columns, which are vectors of {table.Width} real numbers, but the examples are {example.Shape.Noun} of {example.Shape.Description}{(example.Scaling is not { IsReal: true, IsUnitRange: false } ? ", from 0 to 1" : "")}.", nameof(likelihood));
        }

        if (likelihood.Domain == ValueDomain.Bytes && example.Scaling is { } numbers)
        {
            throw new ArgumentException($"The likelihood '{likelihood.Name}' is for 8-bit pixels, but the examples {(numbers.IsReal ? "are real numbers" : $"have {numbers.BitDepth} bits")}: {instead}.", nameof(likelihood));
        }

        if (example.IsUnitRange)
        {
            return;
        }

        string others = example.Scaling!.IsSeenInUnitRange ? "those of other examples may lie outside" : "those of the examples are any numbers";
        if (likelihood.Domain == ValueDomain.UnitRange || (likelihood is MeanPixels { PixelMean: PixelMean.Sigmoid } && !example.Scaling.IsSeenInUnitRange))
        {
            throw new ArgumentException($"The likelihood '{likelihood.Name}' is for values from 0 to 1, and {others}: {instead}.", nameof(likelihood));
        }

        if (example.Pixels != PixelPreparation.Grey)
        {
            throw new ArgumentException($"Values are made 0 or 1 ({example.Pixels}) if they are from 0 to 1, and {others}: leave them as they are.", nameof(example));
        }
    }
}
