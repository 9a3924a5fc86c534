using System.Numerics;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Benchmarks;

/// <summary>How many images look like a sprite.</summary>
/// <param name="Source">Where the images are from.</param>
/// <param name="Images">How many there are.</param>
/// <param name="Share">The share of those whose nearest held-out sprite has an intersection over union above the threshold.</param>
/// <param name="MeanOverlap">The mean of that intersection over union; an empty image has 0.</param>
public sealed record SpriteSamplesResult(string Source, int Images, double Share, double MeanOverlap);

/// <summary>Judges the samples of a model that was trained on the sprites by the held-out ones.</summary>
internal static class SpriteSamplesBenchmark
{
    /// <summary>Where an image is taken for a sprite.</summary>
    public const double Threshold = 0.8;

    private const int Images = 1000;
    private const int BitsPerWord = 64;

    /// <summary>Judges samples of the prior, samples of the fitted mixture where there is one, reconstructions of training images, and training images themselves.</summary>
    /// <param name="run">The run's folder.</param>
    public static IEnumerable<SpriteSamplesResult> Run(string run)
    {
        string export = Path.Combine(run, "export"), mixtureFile = Path.Combine(export, "mixture.onnx");
        using var vae = TrainedVae.Load(export);
        var shape = vae.Decoder.Metadata;
        var data = ImageData.Open(Sprites.Name, new ImageOptions { Size = (shape.Height, shape.Width) });
        ulong[][] heldOut = [.. Enumerable.Range(0, (int)data.Test.Count).Select(i => Binary(ReconstructionGrid.ReadImages(data.Test, i, 1)))];
        var (originals, reconstructions) = ReconstructionGrid.Reconstruct(vae.Encoder, vae.Decoder, data.Train, 0, Images);

        yield return Judge("prior", vae.Decoder.Generate(Images, seed: 1), heldOut, shape.ImageSize);
        if (File.Exists(mixtureFile))
        {
            using var mixture = LatentPrior.Load(mixtureFile);
            yield return Judge("mixture", vae.Decoder.Generate(Images, seed: 1, prior: mixture), heldOut, shape.ImageSize);
        }

        yield return Judge("reconstructions", reconstructions, heldOut, shape.ImageSize);
        yield return Judge("training images", originals, heldOut, shape.ImageSize);
    }

    private static SpriteSamplesResult Judge(string source, float[] images, ulong[][] heldOut, int size)
    {
        var overlaps = new double[images.Length / size];
        Parallel.For(0, overlaps.Length, i =>
        {
            ulong[] image = Binary(images.AsSpan(i * size, size));
            overlaps[i] = heldOut.Max(sprite => Overlap(image, sprite));
        });
        return new SpriteSamplesResult(source, overlaps.Length, (double)overlaps.Count(overlap => overlap > Threshold) / overlaps.Length, overlaps.Average());
    }

    // A bit for every pixel above 1/2.
    private static ulong[] Binary(ReadOnlySpan<float> pixels)
    {
        var bits = new ulong[(pixels.Length + BitsPerWord - 1) / BitsPerWord];
        for (int i = 0; i < pixels.Length; i++)
        {
            bits[i / BitsPerWord] |= pixels[i] > 0.5f ? 1UL << (i % BitsPerWord) : 0;
        }

        return bits;
    }

    private static double Overlap(ulong[] a, ulong[] b)
    {
        int both = 0, either = 0;
        for (int i = 0; i < a.Length; i++)
        {
            both += BitOperations.PopCount(a[i] & b[i]);
            either += BitOperations.PopCount(a[i] | b[i]);
        }

        return (double)both / either;
    }
}
