using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>What the values of an array are.</summary>
internal enum ArrayValues
{
    /// <summary>Pixels.</summary>
    Pixels,

    /// <summary>Numbers from 0 to 1.</summary>
    UnitRange,

    /// <summary>Any numbers.</summary>
    Numbers,
}

/// <summary>The examples that an array holds.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Example">The shape of each.</param>
/// <param name="Layout">What the array's axes are.</param>
internal sealed record ArrayShape(long Count, ExampleShape Example, ArrayLayout Layout)
{
    /// <summary>The shapes of arrays that are read.</summary>
    public const string Expected = "[N, D] for vectors, [N, C, L] for series, [N, H, W], [N, C, H, W] or [N, H, W, C] for images, [N, C, D, H, W] for volumes";

    private const int MostChannels = 16; // of axes that are told from others by being shorter
    private const int Shorter = 4;

    /// <summary>Whether the channels are the last axis and not the second one.</summary>
    public bool IsChannelsLast => IsLast(Layout);

    /// <summary>The place of a value, channels first, in its example as it is stored.</summary>
    public int PlaceOf(int i) => IsChannelsLast ? (i % Example.ValuesPerChannel * Example.Channels) + (i / Example.ValuesPerChannel) : i;

    /// <summary>Tells what an array holds.</summary>
    /// <param name="shape">The array's shape.</param>
    /// <param name="values">What its values are.</param>
    /// <param name="options">What is known of it.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">It holds no examples, or its shape does not tell what its axes are.</exception>
    public static ArrayShape Of(long[] shape, ArrayValues values, ImageOptions options, string source)
    {
        if (shape.Length is < 2 or > 5 || shape.Any(size => size < 1) || shape.Skip(1).Aggregate((Int128)1, (product, size) => product * size) > Array.MaxLength)
        {
            throw new InvalidDataException($"'{source}' has shape {Text(shape)}; expected {Expected}, with no size below 1.");
        }

        int[] sizes = [.. shape.Skip(1).Select(size => (int)size)];
        if (options.Layout is { } given)
        {
            return Axes(given) == shape.Length ? Arranged(given) : throw new InvalidDataException(
                $"'{source}' has shape {Text(shape)}, and not the {Axes(given)} axes of the layout {given.ToString().ToLowerInvariant()}: give another layout, or none.");
        }

        ArrayShape[] possible = [.. Enum.GetValues<ArrayLayout>().Where(layout => Axes(layout) == shape.Length).Select(Arranged)];
        if (options.ExpectedShape is { } expected)
        {
            ArrayShape[] fitting = Array.FindAll(possible, each => each.Example == expected);
            return Array.Find(fitting, each => each.IsChannelsLast == options.IsChannelsLast) ?? fitting.FirstOrDefault() ?? Arranged(Usual(sizes, values) ?? possible[0].Layout);
        }

        return Usual(sizes, values) is { } layout ? Arranged(layout) : throw new InvalidDataException(
            $"'{source}' has shape {Text(shape)}{(values == ArrayValues.Pixels ? "" : ", and numbers that are not pixels")}, which could be {string.Join(" or ", possible.Select(each => $"{each.Layout.ToString().ToLowerInvariant()} [{string.Join(", ", each.Layout.ToString().ToUpperInvariant().AsEnumerable())}]"))}: say which layout it has.");

        ArrayShape Arranged(ArrayLayout layout) => new(shape[0], layout switch
        {
            ArrayLayout.Nhw or ArrayLayout.Ndhw => new ExampleShape(1, sizes),
            _ when IsLast(layout) => new ExampleShape(sizes[^1], sizes[..^1]),
            _ => new ExampleShape(sizes[0], sizes[1..]),
        }, layout);
    }

    // Grayscale and color are told by their numbers of channels, other images by their sides, if these are alike; else channels are the axis that is much
    // shorter than all others. Pixels with two axes are an image, and so are numbers like those of pixels where no axis is that short.
    private static ArrayLayout? Usual(int[] sizes, ArrayValues values) => sizes switch
    {
        [_] => ArrayLayout.Nd,
        [_, _] when values == ArrayValues.Pixels => ArrayLayout.Nhw,
        [var a, var b] => AreChannels(a, b) ? ArrayLayout.Ncl : AreChannels(b, a) ? ArrayLayout.Nlc : values == ArrayValues.UnitRange ? ArrayLayout.Nhw : null,
        [1 or 3, _, _] => ArrayLayout.Nchw,
        [_, _, 1 or 3] => ArrayLayout.Nhwc,
        [var a, var b, var c] => b == c && a != b ? ArrayLayout.Nchw : a == b && b != c ? ArrayLayout.Nhwc : null,
        [var a, var b, var c, var d] => a is 1 or 3 || AreChannels(a, Math.Min(b, Math.Min(c, d))) ? ArrayLayout.Ncdhw
            : d is 1 or 3 || AreChannels(d, Math.Min(a, Math.Min(b, c))) ? ArrayLayout.Ndhwc
            : null,
        _ => null,
    };

    private static bool AreChannels(int size, int others) => size <= MostChannels && size * Shorter <= others;

    private static int Axes(ArrayLayout layout) => layout.ToString().Length;

    private static bool IsLast(ArrayLayout layout) => layout is ArrayLayout.Nlc or ArrayLayout.Nhwc or ArrayLayout.Ndhwc;

    private static string Text(long[] shape) => $"[{string.Join(", ", shape)}]";
}
