using OnnxVae.Cli.Jobs.Outputs;
using OnnxVae.Exporters;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Jobs;

/// <summary>Writes lines of images: as one PNG, or the images themselves.</summary>
internal static class ImageLines
{
    /// <summary>Writes them.</summary>
    /// <param name="images">Float32 [lines, columns, C, H, W], values in [0, 1].</param>
    /// <param name="shape">The model that made them.</param>
    /// <param name="columns">Images per line.</param>
    /// <param name="path">A .png for a grid, a .npy, or a folder for PNG files.</param>
    public static void Save(float[] images, ModelMetadata shape, int columns, string path)
    {
        long count = images.Length / shape.ImageSize;
        if (path.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            ImageGrid.Save(path, images, shape.Channels, shape.Height, shape.Width, columns);
            return;
        }

        byte[] pixels = OutputImages.ToBytes(images);
        if (path.EndsWith(JobPaths.NpyExtension, StringComparison.OrdinalIgnoreCase))
        {
            AtomicFile.Write(path, stream =>
            {
                Npy.WriteHeader(stream, "|u1", count, shape.Channels, shape.Height, shape.Width);
                stream.Write(pixels);
            });
            return;
        }

        var files = new OutputImages(shape.Channels, shape.Height, shape.Width, ImageRange.OfFirst(count), count, ImageFormat.Png);
        foreach (var (number, file) in files.Encode(0, pixels, corrupt: null))
        {
            AtomicFile.Write(Path.Combine(path, files.Format.FileOf(number)), stream => stream.Write(file));
        }
    }
}
