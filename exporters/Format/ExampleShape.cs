namespace OnnxVae.Format;

/// <summary>
/// The shape of one example: a vector [C], a series [C, L], an image [C, H, W] or a volume [C, D, H, W]. Channels come first; the columns of a vector are its channels.
/// </summary>
public sealed record ExampleShape
{
    private const int MostSides = 3;

    /// <summary>Sets the shape.</summary>
    /// <param name="channels">C: 1 for grayscale, 3 for color, the columns of a vector.</param>
    /// <param name="sides">The sizes of the other axes, at most three; none for a vector.</param>
    /// <exception cref="ArgumentException">A size is not positive, there are more than three sides, or an example would have more values than an array holds.</exception>
    public ExampleShape(int channels, params IReadOnlyList<int> sides)
    {
        ArgumentNullException.ThrowIfNull(sides);
        (Channels, Sides) = (channels, [.. sides]);
        if (channels < 1 || sides.Any(side => side < 1) || sides.Count > MostSides || Axes.Aggregate((Int128)1, (product, size) => product * size) > Array.MaxLength)
        {
            throw new ArgumentException($"The shape of an example is {this}; expected channels and up to {MostSides} sides, all positive, and at most {Array.MaxLength} values.");
        }
    }

    /// <summary>C.</summary>
    public int Channels { get; }

    /// <summary>The sizes of the axes besides channels: none of a vector, [L] of a series, [H, W] of an image, [D, H, W] of a volume.</summary>
    public IReadOnlyList<int> Sides { get; }

    /// <summary>All sizes, that of the channels first.</summary>
    public IReadOnlyList<int> Axes => [Channels, .. Sides];

    /// <summary>Number of values in an example, d in the formulas.</summary>
    public int Dimensions => Channels * ValuesPerChannel;

    /// <summary>Number of values in a channel.</summary>
    public int ValuesPerChannel => Sides.Aggregate(1, (product, size) => product * size);

    /// <summary>Whether it is an image.</summary>
    public bool IsImage => Sides.Count == 2;

    /// <summary>Rows of an image's pixels; 1 for series and vectors.</summary>
    public int Height => Sides.Count > 1 ? Sides[^2] : 1;

    /// <summary>Columns of an image's pixels, or the length of a series; 1 for vectors.</summary>
    public int Width => Sides.Count > 0 ? Sides[^1] : 1;

    /// <summary>What such examples are called, in the plural: <c>vectors</c>, <c>series</c>, <c>images</c> or <c>volumes</c>.</summary>
    public string Noun => Sides.Count switch { 0 => "vectors", 1 => "series", 2 => "images", _ => "volumes" };

    /// <summary>The shape with the names of its axes, as in <c>3 x 32 x 32 (channels, height, width)</c>.</summary>
    public string Description => $"{this} {Sides.Count switch { 0 => "(columns)", 1 => "(channels, length)", 2 => "(channels, height, width)", _ => "(channels, depth, height, width)" }}";

    /// <summary>The shape of a batch of examples, [N, C, ...].</summary>
    /// <param name="size">N; may be <see cref="Shape.Batch"/>.</param>
    public Shape Batch(long size) => [size, .. Axes.Select(length => (long)length)];

    /// <summary>The same shape with another number of channels.</summary>
    /// <param name="channels">That number.</param>
    public ExampleShape WithChannels(int channels) => new(channels, Sides);

    /// <inheritdoc/>
    public bool Equals(ExampleShape? other) => other is not null && Axes.SequenceEqual(other.Axes);

    /// <inheritdoc/>
    public override int GetHashCode() => Axes.Aggregate(0, HashCode.Combine);

    /// <summary>The sizes, as in <c>3 x 32 x 32</c>.</summary>
    public override string ToString() => string.Join(" x ", Axes);
}
