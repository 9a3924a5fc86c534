using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Conditions;

/// <summary>
/// The image with a hole, for models that complete images: visible pixels, 0 where they are hidden, and a channel that is 1 where they are visible;
/// [C + 1, H, W]. The likelihood is that of the hidden pixels.
/// </summary>
/// <remarks>
/// In training and evaluation every image gets a hole of one of three kinds, drawn with equal probability: a rectangle whose sides are a quarter to
/// three quarters of the image's, one half of the image, or each pixel by itself with a probability between a quarter and three quarters.
/// </remarks>
public sealed class MaskCondition : Condition
{
    private const float Smallest = 0.25f, Range = 0.5f;

    private readonly ExampleShape image;

    /// <summary>Takes the images' shape.</summary>
    /// <param name="image">Their shape.</param>
    /// <exception cref="ArgumentException">They are not images.</exception>
    public MaskCondition(ExampleShape image)
        : base(ConditionKinds.Mask, [image.Channels + 1, image.Height, image.Width]) =>
        this.image = image.IsImage ? image : throw new ArgumentException($"The examples are {image.Noun} of {image.Description}, but a mask is for images.", nameof(image));

    /// <inheritdoc/>
    internal override ConditionBatch Of(ExampleBatch batch)
    {
        long size = batch.Images.Spec.Shape[0];
        var place = ProgramInput.DataUniform("holeNoise", [size, 5]);
        var pixels = ProgramInput.DataUniform("holePixelNoise", [size, 1, image.Height, image.Width]);
        var hidden = Hole(place.Value, pixels.Value);
        return new ConditionBatch([place, pixels], Concat(1, batch.Seen * (1f - hidden), 1f - hidden), hidden);
    }

    /// <inheritdoc/>
    internal override (Value Input, Value Seen) Deployed(Example example)
    {
        var (input, _) = base.Deployed(example);
        var (pixels, isVisible) = Parts(input);
        return (input, example.Scales is not null ? Concat(1, isVisible * example.See(pixels), isVisible)
            : example.Pixels == PixelPreparation.Grey ? input
            : Concat(1, example.See(pixels), isVisible));
    }

    /// <inheritdoc/>
    internal override Value Complete(Value images, Value condition)
    {
        var (pixels, isVisible) = Parts(condition);
        return (isVisible * pixels) + ((1f - isVisible) * images);
    }

    /// <inheritdoc/>
    internal override Value? Unknown(Value seen) => 1f - Parts(seen).IsVisible;

    private (Value Pixels, Value IsVisible) Parts(Value x) => (Slice(x, 1, 0, image.Channels), Slice(x, 1, image.Channels, image.Channels + 1));

    // Float32 [N, 1, H, W]: 1 where pixels are hidden.
    private Value Hole(Value place, Value pixels)
    {
        var (kind, a, b, c, d) = (Draw(place, 0), Draw(place, 1), Draw(place, 2), Draw(place, 3), Draw(place, 4));
        var (rows, columns) = (Numbers(image.Height, [1, 1, image.Height, 1]), Numbers(image.Width, [1, 1, 1, image.Width]));
        var rectangle = Between(rows, image.Height, a, b) * Between(columns, image.Width, c, d);

        // The upper, lower, left or right half.
        var (isVertical, isFirst) = (Indicator(Greater(0.5f, a)), Indicator(Greater(0.5f, b)));
        var half = (isVertical * Half(rows, image.Height, isFirst)) + ((1f - isVertical) * Half(columns, image.Width, isFirst));
        var scattered = Indicator(Greater(Smallest + (Range * a), pixels));
        var (isRectangle, isScattered) = (Indicator(Greater(1f / 3, kind)), Indicator(GreaterOrEqual(kind, 2f / 3)));
        return (isRectangle * rectangle) + (isScattered * scattered) + ((1f - isRectangle - isScattered) * half);
    }

    private static Value Draw(Value place, int column) => Reshape(Slice(place, 1, column, column + 1), [place.Shape[0], 1, 1, 1]);

    // 1 for the positions of an interval whose length is between a quarter and three quarters of the axis, rounded up, anywhere on it.
    private static Value Between(Value positions, int length, Value size, Value place)
    {
        var extent = Floor(length * (Smallest + (Range * size))) + 1f;
        var first = Floor(place * (length + 1f - extent));
        return Indicator(GreaterOrEqual(positions, first)) * Indicator(Greater(first + extent, positions));
    }

    private static Value Half(Value positions, int length, Value isFirst)
    {
        var lower = Indicator(Greater(length / 2f, positions + 0.5f));
        return (isFirst * lower) + ((1f - isFirst) * (1f - lower));
    }

    private static Value Indicator(Value condition) => Where(condition, 1f, 0f);

    private static Value Numbers(int count, Shape shape) => Value.Of<float>(shape, [.. Enumerable.Range(0, count).Select(i => (float)i)]);
}
