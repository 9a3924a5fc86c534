using SkiaSharp;

namespace OnnxVae.Training.Reports;

/// <summary>Files that hold one picture, by their extensions.</summary>
public static class PictureFile
{
    private static readonly Dictionary<string, SKEncodedImageFormat> Written = new(StringComparer.OrdinalIgnoreCase)
    {
        [".png"] = SKEncodedImageFormat.Png,
        [".jpg"] = SKEncodedImageFormat.Jpeg,
        [".jpeg"] = SKEncodedImageFormat.Jpeg,
        [".webp"] = SKEncodedImageFormat.Webp,
    };

    private static readonly HashSet<string> NotWritten = new([".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".svg", ".pdf"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a path names a picture, in a writable format or not.</summary>
    public static bool IsNamedLikeOne(string path) => Written.ContainsKey(Path.GetExtension(path)) || NotWritten.Contains(Path.GetExtension(path));

    /// <summary>Whether a path names a picture in a writable format.</summary>
    public static bool IsWritable(string path) => Written.ContainsKey(Path.GetExtension(path));

    /// <summary>The format that a picture is written in.</summary>
    /// <exception cref="ArgumentException">The path does not name a picture in a writable format.</exception>
    public static SKEncodedImageFormat FormatOf(string path) => Written.TryGetValue(Path.GetExtension(path), out var format) ? format : throw new ArgumentException(
        $"'{path}' cannot be written: pictures are written as {string.Join(", ", Written.Keys)}.", nameof(path));
}
