using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Score;

/// <summary>Scores images: how unlikely they are.</summary>
[Verb("score", VerbTopic.Latents, "Tells how unlikely images are.", Details = "The higher the score, the less likely: anomalies have high ones. A job that was stopped continues when it is started again.",
    Example = "score runs/digits --data photos --threshold 0.99 --out scores.csv")]
internal sealed class ScoreVerb : LongVerb<ScoreOptions>
{
    protected override async Task<int> RunAsync(ScoreOptions options, CancellationToken cancellation)
    {
        string file = ModelPath.FileIn(options.Scorer, ExportedFiles.Scorer);
        var job = options.Job;
        var (kind, threshold) = await PrepareAsync(file, options, cancellation);
        using var original = VaeScorer.Load(file, job.ToVaeOptions());
        var source = options.Images.Open(original.Metadata, isLazy: true, options.Given.VectorsFor(original.Metadata));
        var scorer = options.Given.ForImages(source, original.Metadata, options.Seed) is { } condition ? original.Given(condition) : original;
        var asked = job.Describe("score", [("scorer", file)]);
        options.Images.Describe(source, asked);
        options.Given.Describe(asked);
        (asked["score"], asked["samples"], asked["seed"]) = (ScoreChoices.NameOf(kind), options.Samples ?? scorer.Samples, options.Seed);

        using (JobRecord.Claim(job.Paths, asked))
        {
            var corrupt = new CorruptImages(job.Paths.Corrupt, options.Images.SkipCorrupt);
            var range = job.Paths.Shard.RangeOf(source.Count);
            using var output = new ScoreOutput(job.Paths, scorer, source, range, kind, threshold?.Value, corrupt);
            long made = await ImageJob.RunAsync(
                "Scoring", output.Missing,
                part => scorer.ScoreAsync(part, (first, images) => corrupt.Read(source, first, images), output.Prepare, options.Seed, options.Samples, cancellation: cancellation), output.Finish, cancellation);
            ImageJob.Report("Scored", made, range, job.Paths, corrupt);
            if (threshold is not null && made > 0)
            {
                Console.WriteLine(FormattableString.Invariant($"{output.Outliers} of {made} are outliers: their {ScoreChoices.NameOf(kind)} is above {threshold.Value:0.###}"));
            }
        }

        if (options.Map is not null)
        {
            await WriteMapAsync(options, scorer, source, asked, cancellation);
        }

        return ExitCode.Done;
    }

    // The score that was chosen, and where its outliers begin.
    private static async Task<(ScoreKind Kind, ScoreThreshold? Threshold)> PrepareAsync(string file, ScoreOptions options, CancellationToken cancellation)
    {
        ScoreKind kind;
        ScoreThreshold? stored;
        using (var scorer = VaeScorer.Load(file, options.Job.ToVaeOptions()))
        {
            (kind, stored) = (options.Score is { } name ? ScoreChoices.Parse(name) : scorer.Kinds[0], scorer.Threshold);
            if (!scorer.Kinds.Contains(kind))
            {
                throw new UsageException($"The model has no {options.Score}: give --score {string.Join(" or ", scorer.Kinds.Select(ScoreChoices.NameOf))}.");
            }

            if (options.Samples % scorer.Samples is > 0)
            {
                throw new UsageException($"--samples is {options.Samples}; the scorer takes {scorer.Samples} at a time: give a multiple.");
            }

            if (options.Map is not null && !scorer.HasMap)
            {
                throw new UsageException("The model has no map: the values of its likelihood are not independent given the latents. Leave --map out.");
            }
        }

        return options.Threshold is not { } share || (stored?.Kind == kind && stored.Share == share)
            ? (kind, stored?.Kind == kind ? stored : null)
            : (kind, await ThresholdSearch.FindAsync(file, kind, share, options.Job.ToVaeOptions(), cancellation));
    }

    private static async Task WriteMapAsync(ScoreOptions options, VaeScorer scorer, ImageSource source, JsonObject asked, CancellationToken cancellation)
    {
        var paths = new JobPaths(options.Map!, options.Job.Paths.Shard);
        var model = scorer.Metadata;
        var range = paths.Shard.RangeOf(source.Count, paths.Unit);
        using var claim = JobRecord.Claim(paths, asked);
        var corrupt = new CorruptImages(paths.Corrupt, options.Images.SkipCorrupt);
        var images = new OutputImages(model.Channels, model.Height, model.Width, range, source.Count, ImageFormat.Png, OutputNames.Of(source, source.Count, ImageFormat.Png)) { IsReal = paths.IsArray };
        using var output = ImageOutput.Open(paths, images, corrupt);
        long made = await ImageJob.RunAsync(
            "Mapping", output.Missing,
            part => scorer.ScoreAsync(
                part, (first, block) => corrupt.Read(source, first, block), (first, scores) => output.Prepare(first, paths.IsArray ? scores.Map : Bright(scores.Map, model.ImageSize)),
                options.Seed, options.Samples, withMap: true, cancellation),
            output.Finish, cancellation);
        ImageJob.Report("Mapped", made, range, paths, corrupt);
    }

    // Each map from its smallest value, black, to its largest one, white.
    private static float[] Bright(ReadOnlySpan<float> maps, int size)
    {
        float[] bright = maps.ToArray();
        for (int start = 0; start < bright.Length; start += size)
        {
            var map = bright.AsSpan(start, size);
            float smallest = TensorPrimitives.Min(map), range = TensorPrimitives.Max(map) - smallest;
            for (int i = 0; i < size; i++)
            {
                map[i] = range > 0 ? (map[i] - smallest) / range : 0;
            }
        }

        return bright;
    }
}
