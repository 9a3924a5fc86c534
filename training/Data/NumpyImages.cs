namespace OnnxVae.Training.Data;

/// <summary>
/// Images in a NumPy array, [N, H, W], [N, C, H, W] or [N, H, W, C]: integers from 0 to 255 of any type, uint16 with larger ones, Booleans, or floating-point
/// numbers from 0 to 1, which are rounded to 8 bits.
/// </summary>
internal sealed class NumpyImages : NumpySource
{
    private const double Overshoot = 1e-3; // of decoders

    private readonly ArrayReader read;
    private readonly ushort[]? words; // the array, if its values have 16 bits

    private NumpyImages(ArrayShape shape, ArrayReader read, ushort[]? words = null)
        : base(shape) => (this.read, this.words) = (read, words);

    /// <inheritdoc/>
    public override int BitDepth => words is null ? 8 : 16;

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        if (!IsChannelsLast)
        {
            read(index * ImageSize, pixels);
            return;
        }

        var image = new byte[ImageSize];
        read(index * ImageSize, image);
        for (int i = 0; i < image.Length; i++)
        {
            pixels[i] = image[Contents.PlaceOf(i)];
        }
    }

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values)
    {
        if (words is null)
        {
            base.ReadValues(index, values);
            return;
        }

        for (int i = 0; i < values.Length; i++)
        {
            values[i] = words[(index * ImageSize) + Contents.PlaceOf(i)] / (float)ushort.MaxValue;
        }
    }

    /// <summary>The images of an array in memory.</summary>
    /// <param name="array">The array.</param>
    /// <param name="shape">What it holds.</param>
    /// <param name="options">What is known of its values.</param>
    /// <exception cref="InvalidDataException">A value is not a pixel.</exception>
    public static NumpyImages FromArray(NumpyArray array, ArrayShape shape, ImageOptions options)
    {
        if (array.Header.IsUInt16 && (options.BitDepth ?? DepthOf(array)) > 8)
        {
            var words = new ushort[array.Count];
            for (int i = 0; i < words.Length; i++)
            {
                words[i] = (ushort)array[i];
            }

            return new NumpyImages(shape, (position, image) => Round(words.AsSpan((int)position, image.Length), image), words);
        }

        var pixels = array is { Header.DataType: "|u1", IsRowMajor: true } ? array.Data : ToPixels(array);
        return new NumpyImages(shape, (position, image) => pixels.Span.Slice((int)position, image.Length).CopyTo(image));
    }

    /// <summary>Images that are read on demand.</summary>
    /// <param name="shape">What the array holds.</param>
    /// <param name="read">Reads its bytes.</param>
    public static NumpyImages FromFile(ArrayShape shape, ArrayReader read) => new(shape, read);

    /// <summary>The bits that the values of an array of uint16 need, 8 or 16.</summary>
    public static int DepthOf(NumpyArray array) => array.Range().Largest > byte.MaxValue ? 16 : 8;

    private static void Round(ReadOnlySpan<ushort> words, Span<byte> pixels)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)(((words[i] * byte.MaxValue) + (ushort.MaxValue / 2)) / ushort.MaxValue);
        }
    }

    // Booleans become black and white; if no float exceeds 1, floats are scaled from [0, 1]; other numbers are pixel values already.
    private static byte[] ToPixels(NumpyArray array)
    {
        double scale = array.Header.Kind == 'b' || (array.Header.Kind == 'f' && array.Range().Largest <= 1 + Overshoot) ? byte.MaxValue : 1;
        var pixels = new byte[array.Count];
        for (int i = 0; i < pixels.Length; i++)
        {
            double value = array[i] * scale, pixel = Math.Round(value, MidpointRounding.AwayFromZero);
            bool isPixel = pixel is >= 0 and <= byte.MaxValue && (scale > 1 || value == pixel);
            pixels[i] = isPixel ? (byte)pixel : throw array.NoPixel(i);
        }

        return pixels;
    }
}
