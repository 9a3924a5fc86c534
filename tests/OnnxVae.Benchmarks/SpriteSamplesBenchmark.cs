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
    private const int Words = 64 * 64 / 64;

    /// <summary>Judges samples of the prior, samples of the fitted mixture where there is one, reconstructions of training images, and training images themselves.</summary>
    /// <param name="run">The run's folder.</param>
    public static IEnumerable<SpriteSamplesResult> Run(string run)
    {
        string export = Path.Combine(run, "export"), mixtureFile = Path.Combine(export, "mixture.onnx");
        using var vae = TrainedVae.Load(export);
        var data = ImageData.Open(Sprites.Name);
        ulong[][] heldOut = [.. Enumerable.Range(0, (int)data.Test.Count).Select(i => Binary(ReconstructionGrid.ReadImages(data.Test, i, 1)))];
        var (originals, reconstructions) = ReconstructionGrid.Reconstruct(vae.Encoder, vae.Decoder, data.Train, 0, Images);

        yield return Judge("prior", vae.Decoder.Generate(Images, seed: 1), heldOut);
        if (File.Exists(mixtureFile))
        {
            using var mixture = LatentPrior.Load(mixtureFile);
            yield return Judge("mixture", vae.Decoder.Generate(Images, seed: 1, prior: mixture), heldOut);
        }

        yield return Judge("reconstructions", reconstructions, heldOut);
        yield return Judge("training images", originals, heldOut);
    }

    private static SpriteSamplesResult Judge(string source, float[] images, ulong[][] heldOut)
    {
        var overlaps = new double[images.Length / (64 * Words)];
        Parallel.For(0, overlaps.Length, i =>
        {
            ulong[] image = Binary(images.AsSpan(i * 64 * Words, 64 * Words));
            overlaps[i] = heldOut.Max(sprite => Overlap(image, sprite));
        });
        return new SpriteSamplesResult(source, overlaps.Length, (double)overlaps.Count(overlap => overlap > Threshold) / overlaps.Length, overlaps.Average());
    }

    // A bit for every pixel above 1/2.
    private static ulong[] Binary(ReadOnlySpan<float> pixels)
    {
        var bits = new ulong[Words];
        for (int i = 0; i < pixels.Length; i++)
        {
            bits[i / 64] |= pixels[i] > 0.5f ? 1UL << (i % 64) : 0;
        }

        return bits;
    }

    private static double Overlap(ulong[] a, ulong[] b)
    {
        int both = 0, either = 0;
        for (int i = 0; i < Words; i++)
        {
            both += BitOperations.PopCount(a[i] & b[i]);
            either += BitOperations.PopCount(a[i] | b[i]);
        }

        return (double)both / either;
    }
}
