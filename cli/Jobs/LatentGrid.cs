using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Jobs;

/// <summary>Decodes rows of latents: one PNG with a line of images per row, or the images themselves.</summary>
internal static class LatentGrid
{
    /// <summary>Decodes and writes.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="latents">Float32 [rows, columns, L].</param>
    /// <param name="columns">Images per line.</param>
    /// <param name="path">A .png for a grid, a .npy, or a folder for PNG files.</param>
    public static void Save(VaeDecoder decoder, float[] latents, int columns, string path)
    {
        var shape = decoder.Metadata;
        int count = latents.Length / shape.LatentSize;
        var images = new float[count * shape.ImageSize];
        decoder.Decode(latents, images);
        if (path.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            ImageGrid.Save(path, images, shape.Channels, shape.Height, shape.Width, columns);
            return;
        }

        using var writer = ImageWriter.Create(path, 0, count, shape.Channels, shape.Height, shape.Width);
        writer.Write(images);
        writer.Finish();
    }
}
