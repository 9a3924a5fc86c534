using System.Runtime.InteropServices;
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
    /// <param name="images">Float32 [lines, columns, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="shape">The model that made them.</param>
    /// <param name="columns">Images per line.</param>
    /// <param name="path">A picture for a grid, a .npy, or a folder for PNG files.</param>
    /// <exception cref="Terminal.UsageException">There are no pictures for a folder.</exception>
    public static void Save(float[] images, ModelMetadata shape, int columns, string path)
    {
        long count = images.Length / shape.ImageSize;
        if (PictureFile.IsNamedLikeOne(path))
        {
            ImageGrid.Save(path, images, shape, columns);
            return;
        }

        if (path.EndsWith(JobPaths.NpyExtension, StringComparison.OrdinalIgnoreCase))
        {
            AtomicFile.Write(path, stream =>
            {
                Npy.WriteHeader(stream, shape.IsReal ? "<f4" : "|u1", [count, .. shape.Axes.Select(size => (long)size)]);
                stream.Write(shape.IsReal ? MemoryMarshal.AsBytes<float>(images) : OutputImages.ToBytes(images));
            });
            return;
        }

        PicturesOnly.Require(shape, $"--out is '{path}'", "give a .npy, or a .png for curves and slices of all of them");
        OutputFolder.RequireNew(path);
        var files = new OutputImages(shape, ImageRange.OfFirst(count), count, ImageFormat.Png);
        foreach (var (number, file) in files.Encode(0, OutputImages.ToBytes(images), corrupt: null))
        {
            AtomicFile.Write(Path.Combine(path, files.Format.FileOf(number)), stream => stream.Write(file));
        }
    }
}
