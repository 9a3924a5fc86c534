using OnnxVae.Format;
using OnnxVae.Inference;
using SkiaSharp;

namespace OnnxVae.Training.Data;

/// <summary>An image file, in a folder or an archive.</summary>
/// <param name="Name">Its path relative to the folder or archive, with '/' between folders.</param>
/// <param name="ReadBytes">Reads the file.</param>
internal sealed record EncodedImage(string Name, Func<byte[]> ReadBytes)
{
    /// <summary>The size limit of files that are read, in bytes.</summary>
    public const long LargestFile = 1 << 29;

    private const long LargestImage = 1 << 27; // pixels: a file of a few bytes can claim to hold more than fits into memory
    private const long LargeImage = 1 << 23; // pixels: larger images are decoded one at a time

    private static readonly Lock Large = new();

    /// <summary>The extensions of files that are read as images.</summary>
    public static IReadOnlySet<string> Extensions { get; } =
        new HashSet<string>([".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a file is read as an image, judging by its extension.</summary>
    public static bool IsNamedLikeOne(string name) => Extensions.Contains(Path.GetExtension(name));

    /// <summary>A file in a folder.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="path">Its path.</param>
    public static EncodedImage OfFile(string name, string path) => new(name, () => RegularFile.Read(path, LargestFile));

    /// <summary>A file that is already known to be unreadable.</summary>
    public static EncodedImage Unreadable(string name, string reason) => new(name, () => throw new IOException(reason));

    /// <summary>Reads the size of the image as displayed.</summary>
    /// <exception cref="CorruptImageException">The file cannot be read, or is not an image.</exception>
    public ImageHeader ReadHeader()
    {
        using var data = SKData.CreateCopy(Bytes());
        using var codec = Open(data);
        var (height, width) = OrientedSize(codec);
        return new ImageHeader(this, height, width, codec.Info.ColorType != SKColorType.Gray8);
    }

    /// <summary>Whether any visible pixel has a color; the file may store grayscale images as color.</summary>
    /// <exception cref="CorruptImageException">The file cannot be read, or is not an image.</exception>
    public bool HasColour() => Decoded(image =>
    {
        foreach (uint pixel in Pixels(image))
        {
            if (pixel >> 24 > 0 && (((pixel >> 8) & 0xFF) != (pixel & 0xFF) || ((pixel >> 16) & 0xFF) != (pixel & 0xFF)))
            {
                return true;
            }
        }

        return false;
    });

    /// <summary>Decodes the center of the image, scaled to a size. Transparent parts are black.</summary>
    /// <param name="channels">1 for grayscale, 3 for color.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <param name="pixels">Receives UInt8 [C, H, W].</param>
    /// <exception cref="CorruptImageException">The file cannot be read, or is not an image.</exception>
    public void Decode(int channels, int height, int width, byte[] pixels) => Decoded(image =>
    {
        InterleavedPixels.Fit(image.GetPixelSpan(), image.Width, image.Height, pixels, channels, width, height);
        return true;
    });

    private T Decoded<T>(Func<SKBitmap, T> use)
    {
        using var data = SKData.CreateCopy(Bytes());
        using var codec = Open(data);
        long size = (long)codec.Info.Width * codec.Info.Height;
        if (size <= LargeImage)
        {
            return Decoded(codec, use);
        }

        lock (Large)
        {
            return Decoded(codec, use);
        }
    }

    private T Decoded<T>(SKCodec codec, Func<SKBitmap, T> use)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul;
        using var stored = new SKBitmap();
        if ((long)width * height > LargestImage || !stored.TryAllocPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, alpha)))
        {
            throw Corrupt($"has {width} x {height} pixels, which is too many");
        }

        if (codec.GetPixels(stored.Info, stored.GetPixels()) != SKCodecResult.Success)
        {
            throw Corrupt();
        }

        if (codec.EncodedOrigin is SKEncodedOrigin.TopLeft)
        {
            return use(stored);
        }

        using var oriented = Orient(stored, codec.EncodedOrigin);
        return use(oriented);
    }

    // Exif 2.32, section 4.6.4, tag Orientation: which side of the stored image is the top, and which is the left.
    private SKBitmap Orient(SKBitmap stored, SKEncodedOrigin origin)
    {
        int lastX = stored.Width - 1, lastY = stored.Height - 1;
        Func<int, int, (int X, int Y)> source = origin switch
        {
            SKEncodedOrigin.TopRight => (x, y) => (lastX - x, y),
            SKEncodedOrigin.BottomRight => (x, y) => (lastX - x, lastY - y),
            SKEncodedOrigin.BottomLeft => (x, y) => (x, lastY - y),
            SKEncodedOrigin.LeftTop => (x, y) => (y, x),
            SKEncodedOrigin.RightTop => (x, y) => (y, lastY - x),
            SKEncodedOrigin.RightBottom => (x, y) => (lastX - y, lastY - x),
            SKEncodedOrigin.LeftBottom => (x, y) => (lastX - y, x),
            _ => (x, y) => (x, y),
        };
        var (width, height) = IsTurned(origin) ? (stored.Height, stored.Width) : (stored.Width, stored.Height);
        var oriented = new SKBitmap();
        if (!oriented.TryAllocPixels(stored.Info.WithSize(width, height)))
        {
            oriented.Dispose();
            throw Corrupt($"has {width} x {height} pixels, which is too many");
        }

        Span<uint> from = Pixels(stored), to = Pixels(oriented);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var (sourceX, sourceY) = source(x, y);
                to[(y * width) + x] = from[(sourceY * stored.Width) + sourceX];
            }
        }

        return oriented;
    }

    private byte[] Bytes()
    {
        try
        {
            return ReadBytes();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CorruptImageException(Name, $"cannot be read ({e.Message.TrimEnd('.')})");
        }
    }

    private SKCodec Open(SKData data) => SKCodec.Create(data) ?? throw Corrupt();

    private CorruptImageException Corrupt(string reason = "is not an image that can be read") => new(Name, reason);

    private static (int Height, int Width) OrientedSize(SKCodec codec) =>
        IsTurned(codec.EncodedOrigin) ? (codec.Info.Width, codec.Info.Height) : (codec.Info.Height, codec.Info.Width);

    private static bool IsTurned(SKEncodedOrigin origin) =>
        origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;

    // RGBA without padding between rows.
    private static Span<uint> Pixels(SKBitmap image) => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(image.GetPixelSpan());
}

/// <summary>The header of an image file.</summary>
/// <param name="File">The file.</param>
/// <param name="Height">Height in pixels, as displayed.</param>
/// <param name="Width">Width in pixels, as displayed.</param>
/// <param name="MayHaveColour">Whether its pixels are stored in color.</param>
internal sealed record ImageHeader(EncodedImage File, int Height, int Width, bool MayHaveColour);
