using System.Globalization;
using OnnxVae.Exporters;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Jobs;

/// <summary>Where a job's images go, in order.</summary>
internal abstract class ImageWriter : IDisposable
{
    protected ImageWriter(int channels, int height, int width) => (Channels, Height, Width) = (channels, height, width);

    protected int Channels { get; }

    protected int Height { get; }

    protected int Width { get; }

    protected int ImageSize => Channels * Height * Width;

    /// <summary>A .npy file by its extension, else a folder of PNG files.</summary>
    public static ImageWriter Create(string path, long first, long count, int channels, int height, int width) =>
        path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)
            ? new NpyWriter(path, count, channels, height, width)
            : new PngWriter(path, first, channels, height, width);

    /// <summary>Adds images, Float32 [N, C, H, W] in [0, 1].</summary>
    public abstract void Write(ReadOnlySpan<float> images);

    /// <summary>Makes the result visible under its final name.</summary>
    public virtual void Finish()
    {
    }

    public virtual void Dispose()
    {
    }

    private sealed class PngWriter(string folder, long first, int channels, int height, int width) : ImageWriter(channels, height, width)
    {
        private long next = first;

        public override void Write(ReadOnlySpan<float> images)
        {
            for (int i = 0; i < images.Length; i += ImageSize)
            {
                byte[] png = ImageGrid.ImageToPng(images.Slice(i, ImageSize), Channels, Height, Width);
                AtomicFile.Write(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{next++:D8}.png")), stream => stream.Write(png));
            }
        }
    }

    // UInt8 [N, C, H, W], written beside its final name until it is complete.
    private sealed class NpyWriter : ImageWriter
    {
        private readonly string path;
        private readonly string temporary;
        private readonly FileStream file;

        public NpyWriter(string path, long count, int channels, int height, int width)
            : base(channels, height, width)
        {
            (this.path, temporary) = (path, $"{path}{AtomicFile.TemporaryExtension}");
            if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
            {
                Directory.CreateDirectory(folder);
            }

            file = File.Create(temporary);
            Npy.WriteHeader(file, "|u1", count, channels, height, width);
        }

        public override void Write(ReadOnlySpan<float> images)
        {
            var pixels = new byte[images.Length];
            Pixels.ToBytes(images, pixels);
            file.Write(pixels);
        }

        public override void Finish()
        {
            file.Flush(flushToDisk: true);
            file.Dispose();
            File.Move(temporary, path, overwrite: true);
        }

        public override void Dispose()
        {
            file.Dispose();
            File.Delete(temporary);
            base.Dispose();
        }
    }
}
