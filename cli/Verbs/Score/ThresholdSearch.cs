using System.Globalization;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Score;

/// <summary>Finds where outliers begin: at a quantile of the scores of a run's own images.</summary>
internal static class ThresholdSearch
{
    private const long MostImages = 5000;

    /// <summary>The threshold of a scorer file, which keeps it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="kind">Which score.</param>
    /// <param name="share">The share of images up to it.</param>
    /// <param name="options">How the scorer runs.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="InvalidDataException">The file does not belong to a run.</exception>
    public static async Task<ScoreThreshold> FindAsync(string file, ScoreKind kind, double share, VaeOptions options, CancellationToken cancellation)
    {
        var stored = ModelPath.Run(file).ReadOptions<RunOptions>();
        var data = stored.Data.Open(stored.Seed);
        if (data.Validation is null)
        {
            Notice.Say("The run has no validation images: the threshold is that of its training images, whose scores are lower than those of others. Train with --validation 0.1 for images that the model has not seen.");
        }

        var images = data.Validation ?? data.Train;
        images = images.Count > MostImages ? images.Sample(MostImages, stored.Seed) : images;
        float[] scores = await ScoreAsync(file, kind, images, stored.Seed, options, cancellation);
        Array.Sort(scores);
        var threshold = new ScoreThreshold(kind, share, scores[(int)Math.Clamp(Math.Ceiling(share * scores.Length) - 1, 0, scores.Length - 1)]);
        OnnxModel.Load(file).WithMetadata(new Dictionary<string, string> { [MetadataKeys.Threshold] = $"{threshold}" }).Save(file);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Threshold {threshold.Value:0.###}: {share:0.###%} of {scores.Length} images have this {ScoreChoices.NameOf(kind)} or a smaller one"));
        return threshold;
    }

    private static async Task<float[]> ScoreAsync(string file, ScoreKind kind, ImageSource images, ulong seed, VaeOptions options, CancellationToken cancellation)
    {
        using var original = VaeScorer.Load(file, options);
        var scorer = original.Metadata.Condition is { } shape ? original.Given(ConditionReader.For(images, shape, seed: seed)) : original;
        var scores = new List<float>();
        await ProgressDisplay.RunAsync("Finding the threshold", async report =>
        {
            var blocks = scorer.ScoreAsync(
                new ImageRange(0, images.Count), (first, block) => Read(images, first, block), (_, block) => block[kind].ToArray(), seed, cancellation: cancellation);
            await foreach (float[] block in blocks)
            {
                scores.AddRange(block);
                report(scores.Count, images.Count);
            }

            return images.Count;
        });
        return [.. scores];
    }

    private static void Read(ImageSource images, long first, Span<float> block)
    {
        for (int i = 0; i < block.Length / images.ImageSize; i++)
        {
            images.ReadValues(first + i, block.Slice(i * images.ImageSize, images.ImageSize));
        }
    }
}
