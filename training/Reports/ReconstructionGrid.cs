using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Training.Reports;

/// <summary>Images and their reconstructions.</summary>
public static class ReconstructionGrid
{
    /// <summary>Encodes and decodes images; latents are the posterior means.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="decoder">The decoder of the same model.</param>
    /// <param name="source">The images.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="count">How many.</param>
    /// <returns>Originals and reconstructions, Float32 [N, C, ...] in [0, 1] or in the data's units each.</returns>
    /// <remarks>A conditional model is given what the images come with.</remarks>
    public static (float[] Originals, float[] Reconstructions) Reconstruct(VaeEncoder encoder, VaeDecoder decoder, ImageSource source, long first, int count)
    {
        var originals = ReadImages(source, first, count);
        if (encoder.Metadata.Condition is { } shape)
        {
            var condition = ConditionReader.For(new SelectedImages(source, count, i => (source, first + i)), shape);
            (encoder, decoder) = (encoder.Given(condition), decoder.Given(condition));
        }

        return (originals, decoder.Decode(encoder.Encode(originals).Mean));
    }

    /// <summary>A grid in which every row of originals is followed by a row of their reconstructions.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="decoder">The decoder of the same model.</param>
    /// <param name="source">The images; the first ones are used.</param>
    /// <param name="count">How many.</param>
    /// <param name="columns">Images per row.</param>
    /// <returns>Float32 [2 N, C, ...], gaps filled with what <see cref="ImageGrid"/> leaves black.</returns>
    public static float[] Build(VaeEncoder encoder, VaeDecoder decoder, ImageSource source, int count, int columns)
    {
        var (originals, reconstructions) = Reconstruct(encoder, decoder, source, 0, count);
        int size = source.ImageSize, rows = (count + columns - 1) / columns;
        var grid = new float[2 * rows * columns * size];
        Array.Fill(grid, ExamplePictures.Nothing);
        for (int i = 0; i < count; i++)
        {
            int at = ((2 * (i / columns) * columns) + (i % columns)) * size;
            originals.AsSpan(i * size, size).CopyTo(grid.AsSpan(at));
            reconstructions.AsSpan(i * size, size).CopyTo(grid.AsSpan(at + (columns * size)));
        }

        return grid;
    }

    /// <summary>Reads images as floats in [0, 1], or other examples in the data's units.</summary>
    public static float[] ReadImages(ImageSource source, long first, int count)
    {
        var images = new float[count * source.ImageSize];
        for (int i = 0; i < count; i++)
        {
            source.ReadImage(first + i, images.AsSpan(i * source.ImageSize, source.ImageSize));
        }

        return images;
    }
}
