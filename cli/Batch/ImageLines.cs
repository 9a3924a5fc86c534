using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Runs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Batch;

/// <summary>Writes rows of images: as one picture, or as separate images.</summary>
internal static class ImageLines
{
    /// <summary>Rejects a picture in a format that cannot be written.</summary>
    /// <param name="path">The target path.</param>
    public static IEnumerable<string> FindFaults(string path) => PictureFile.IsNamedLikeOne(path) && !PictureFile.IsWritable(path)
        ? [$"--out is '{path}'; pictures are written as .png, .jpg or .webp."]
        : Path.GetExtension(path).ToLowerInvariant() is JobPaths.ParquetExtension or JobPaths.TarExtension ? [$"--out is '{path}'; give a picture, a .npy or a folder."]
        : [];

    /// <summary>Writes the images. A folder must be new or empty.</summary>
    /// <param name="images">Float32 [lines, columns, C, H, W], values in [0, 1].</param>
    /// <param name="shape">The model that made them.</param>
    /// <param name="columns">Images per line.</param>
    /// <param name="path">A picture for a grid, a .npy, or a folder for PNG files.</param>
    public static void Save(float[] images, ModelMetadata shape, int columns, string path)
    {
        long count = images.Length / shape.ImageSize;
        if (PictureFile.IsNamedLikeOne(path))
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

        OutputFolder.RequireNew(path);
        var files = new OutputImages(shape.Channels, shape.Height, shape.Width, ImageRange.OfFirst(count), count, ImageFormat.Png);
        foreach (var (number, file) in files.Encode(0, pixels, corrupt: null))
        {
            AtomicFile.Write(Path.Combine(path, files.Format.FileOf(number)), stream => stream.Write(file));
        }
    }
}
