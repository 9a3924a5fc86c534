using OnnxVae.Training.Data;
using SkiaSharp;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>An image codec.</summary>
/// <param name="Name">Its name, which is also the file extension.</param>
/// <param name="Quality">1 to 100 for the lossy ones.</param>
internal sealed record ImageFormat(string Name, int Quality)
{
    public const int DefaultQuality = 90;

    private const int FastDeflate = 3; // three times as fast as maximum compression, with files a few percent larger

    /// <summary>Lossless, and readable everywhere.</summary>
    public static ImageFormat Png { get; } = new("png", DefaultQuality);

    /// <summary>The known names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["png", "jpeg", "webp"];

    /// <summary>The format of files with an extension; null if unknown.</summary>
    public static string? NameOfEnding(string ending) => ending switch
    {
        ".png" => "png",
        ".jpg" or ".jpeg" => "jpeg",
        ".webp" => "webp",
        _ => null,
    };

    /// <summary>Whether the quality matters.</summary>
    public bool IsLossy => Name != "png";

    /// <summary>The name of image k's file.</summary>
    public string FileOf(long k) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{k:D8}.{Name}");

    /// <summary>Encodes an image.</summary>
    /// <param name="pixels">UInt8 [C, H, W].</param>
    /// <param name="channels">C, 1 or 3.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public byte[] Encode(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        using var bitmap = PlanarPixels.ToBitmap(pixels, channels, height, width);
        using var map = bitmap.PeekPixels();
        using var data = Name switch
        {
            "png" => map.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.AllFilters, FastDeflate)),
            "jpeg" => map.Encode(new SKJpegEncoderOptions(Quality)),
            "webp" => map.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossy, Quality)),
            _ => throw new ArgumentException(Name),
        };
        return data?.ToArray() ?? throw new InvalidOperationException($"An image of {width} x {height} cannot be encoded as {Name}.");
    }
}
