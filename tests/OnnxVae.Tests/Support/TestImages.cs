using System.IO.Compression;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using SkiaSharp;

namespace OnnxVae.Tests.Support;

/// <summary>Writes small data sets, and reads what became of them.</summary>
internal static class TestImages
{
    /// <summary>A file or folder that was written by another program.</summary>
    public static string Fixture(string name) => Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures/images", name);

    public static byte[] Read(ImageSource source, long index)
    {
        var pixels = new byte[source.ImageSize];
        source.Read(index, pixels);
        return pixels;
    }

    public static int[] Labels(ImageSource source) => [.. Enumerable.Range(0, (int)source.Count).Select(i => source.LabelOf(i))];

    public static string[] Names(ImageSource source) => [.. Enumerable.Range(0, (int)source.Count).Select(i => source.NameOf(i)).Order(StringComparer.Ordinal)];

    public static void WriteImages(string folder, int count)
    {
        for (int i = 0; i < count; i++)
        {
            WriteImage(Path.Combine(folder, $"{i:00}.png"), 1, 8, 8);
        }
    }

    public static void WriteImage(string file, int channels, int height, int width)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        float[] pixels = [.. Numbers.StandardNormal(channels * height * width, (ulong)file.Length).Select(x => Math.Clamp(x, 0, 1))];
        File.WriteAllBytes(file, ToPng(pixels, channels, height, width));
    }

    public static void WriteIdx(string file, int count, bool zipped)
    {
        byte[] content = [0, 0, 8, 3, 0, 0, 0, (byte)count, 0, 0, 0, 2, 0, 0, 0, 3, .. Enumerable.Range(0, count * 6).Select(i => (byte)i)];
        using var stream = File.Create(file);
        using Stream target = zipped ? new GZipStream(stream, CompressionLevel.Fastest) : stream;
        target.Write(content);
    }

    public static void WriteNpy(string file, params long[] shape)
    {
        using var stream = File.Create(file);
        Npy.WriteHeader(stream, "|u1", shape);
        stream.Write([.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(i => (byte)i)]);
    }

    /// <summary>Writes numbers as an array of a NumPy type, such as <c>&gt;f4</c>.</summary>
    public static void WriteArray(string file, string type, long[] shape, IEnumerable<double> values)
    {
        using var stream = File.Create(file);
        Npy.WriteHeader(stream, type, shape);
        foreach (double value in values)
        {
            byte[] bytes = type[1..] switch
            {
                "f4" => BitConverter.GetBytes((float)value),
                "f8" => BitConverter.GetBytes(value),
                "i2" => BitConverter.GetBytes((short)value),
                "u2" => BitConverter.GetBytes((ushort)value),
                "i4" => BitConverter.GetBytes((int)value),
                "i8" => BitConverter.GetBytes((long)value),
                _ => throw new ArgumentException(type),
            };
            stream.Write(type[0] == '>' ? [.. bytes.Reverse()] : bytes);
        }
    }

    /// <summary>An image, Float32 [C, H, W] with values in [0, 1], as a PNG file.</summary>
    public static byte[] ToPng(ReadOnlySpan<float> image, int channels, int height, int width)
    {
        var pixels = new byte[image.Length];
        Pixels.ToBytes(image, pixels);
        using var bitmap = PlanarPixels.ToBitmap(pixels, channels, height, width);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
