using System.Globalization;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Score;

/// <summary>Finds where outliers begin: at a quantile of the scores of a run's own images.</summary>
internal static class ThresholdSearch
{
    private const long MostImages = 5000;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);

    /// <summary>The threshold of a scorer file, which keeps it. Other processes that look for one in the same file, such as other shards, wait for it.</summary>
    /// <param name="file">The file, of a run.</param>
    /// <param name="kind">Which score.</param>
    /// <param name="samples">Samples of the latents.</param>
    /// <param name="share">The share of images up to it.</param>
    /// <param name="options">How the scorer runs.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="InvalidDataException">The file does not belong to a run.</exception>
    public static async Task<ScoreThreshold> FindAsync(string file, ScoreKind kind, int samples, double share, VaeOptions options, CancellationToken cancellation)
    {
        FileLock? turn;
        while ((turn = FileLock.TryTake($"{file}.lock")) is null)
        {
            await Task.Delay(Moment, cancellation);
        }

        using (turn)
        {
            using (var scorer = VaeScorer.Load(file, options))
            {
                if (scorer.Threshold is { } known && (known.Kind, known.Samples, known.Share) == (kind, samples, share))
                {
                    return known;
                }
            }

            var (data, seed) = OpenData(file);
            if (data.Validation is null)
            {
                Notice.Say("The run has no validation images: the threshold is that of its training images, which score lower than others. Train with --validation 0.1 for one of images that the model has not seen.");
            }

            var images = data.Validation ?? data.Train;
            images = images.Count > MostImages ? images.Sample(MostImages, seed) : images;
            if (images.Count * (1 - share) < 1)
            {
                Notice.Say(string.Create(CultureInfo.InvariantCulture, $"There are {images.Count} images to find the threshold with, too few for {share:R}: it is their largest score."));
            }

            float[] scores = await ScoreAsync(file, kind, samples, images, seed, options, cancellation);
            Array.Sort(scores);
            var threshold = new ScoreThreshold(kind, samples, share, scores[(int)Math.Clamp(Math.Ceiling(share * scores.Length) - 1, 0, scores.Length - 1)]);
            RunExport.SetThreshold(file, threshold);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Threshold {threshold.Value:0.###}: {share:0.###%} of {scores.Length} images have this {kind.Name()} or a smaller one"));
            return threshold;
        }
    }

    private static (ImageData Data, ulong Seed) OpenData(string file)
    {
        try
        {
            var options = ModelPath.Run(file).ReadOptions<RunOptions>();
            return (options.OpenImages(), options.Seed);
        }
        catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
        {
            throw new UsageException($"--threshold needs the run of '{file}' and the images that it was trained on: {char.ToLowerInvariant(e.Message[0])}{e.Message[1..]}");
        }
    }

    private static async Task<float[]> ScoreAsync(string file, ScoreKind kind, int samples, ImageSource images, ulong seed, VaeOptions options, CancellationToken cancellation)
    {
        using var original = VaeScorer.Load(file, options);
        var scorer = original.Metadata.Condition is { } shape ? original.Given(ConditionReader.For(images, shape, seed: seed)) : original;
        var scores = new List<float>();
        await ProgressDisplay.RunAsync("Finding the threshold", async report =>
        {
            var blocks = scorer.ScoreAsync(
                new ImageRange(0, images.Count), (first, block) => ReconstructionGrid.ReadImages(images, first, block.Length / images.ImageSize).CopyTo(block),
                (_, block) => block[kind].ToArray(), seed, samples, cancellation: cancellation);
            await foreach (float[] block in blocks)
            {
                scores.AddRange(block);
                report(scores.Count, images.Count);
            }

            return images.Count;
        });
        return [.. scores];
    }
}
