using System.Text.Json.Nodes;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

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
        using var original = VaeScorer.Load(file, job.ToVaeOptions());
        var (kind, samples) = Choose(original, options);
        var source = options.Images.Open(original.Metadata, isLazy: true, options.Given.VectorsFor(original.Metadata));
        var scorer = options.Given.ForImages(source, original.Metadata, options.Seed) is { } condition ? original.Given(condition) : original;

        var stored = options.Given.Mask is null && (original.Threshold?.Kind, original.Threshold?.Samples) == (kind, samples) ? original.Threshold : null;
        double? share = options.Threshold ?? stored?.Share;
        if (share is null && original.Threshold is { } other && other.Kind == kind)
        {
            Notice.Say($"No outliers are marked: the threshold of '{file}' is for {other.Samples} samples{(options.Given.Mask is null ? "" : ", and a random hole in each image")}.");
        }

        var asked = Describe("score", file, options, source, samples);
        (asked["score"], asked["threshold"]) = (kind.Name(), share);
        var (askedOfMap, mapPaths) = (Describe("score map", file, options, source, samples), options.Map is null ? null : new JobPaths(options.Map, job.Paths.Shard));
        if (mapPaths is not null)
        {
            JobRecord.Require(mapPaths, askedOfMap, MapOutput.Option);
        }

        using var claim = JobRecord.Claim(job.Paths, asked);
        using var map = mapPaths is null ? null : MapOutput.Open(mapPaths, scorer.Metadata, source, options.Images.SkipCorrupt, askedOfMap);
        var threshold = share == stored?.Share ? stored : await ThresholdSearch.FindAsync(file, kind, samples, share!.Value, job.ToVaeOptions(), cancellation);
        var corrupt = new CorruptImages(job.Paths.Corrupt, options.Images.SkipCorrupt);
        var range = job.Paths.Shard.RangeOf(source.Count);
        using var output = new ScoreOutput(job.Paths, scorer, source, range, kind, threshold?.Value, corrupt);
        // Both are made of the same runs where both lack the same images, and none are skipped, which each lists for itself.
        bool isWithScores = map is not null && !options.Images.SkipCorrupt && map.Missing.SequenceEqual(output.Missing);
        long made = await ImageJob.RunAsync(
            "Scoring", output.Missing,
            part => scorer.ScoreAsync(
                part, (first, images) => corrupt.Read(source, first, images),
                (first, scores) => isWithScores ? JobStep.Both(output.Prepare(first, scores), map!.Prepare(first, scores)) : output.Prepare(first, scores), options.Seed, samples, isWithScores, cancellation),
            output.Finish, cancellation);
        ImageJob.Report("Scored", made, range, job.Paths, scorer.Metadata, corrupt);
        if (threshold is not null && output.Scored is var (images, outliers) && images > 0)
        {
            Console.WriteLine(FormattableString.Invariant($"Outliers  {outliers} of {images}{(images < range.Count ? " scored now" : "")}: their {kind.Name()} is above {threshold.Value:0.###}"));
        }

        if (map is not null)
        {
            await map.FinishAsync(isWithScores, (part, project) => scorer.ScoreAsync(part, (first, block) => map.Read(source, first, block), project, options.Seed, samples, withMap: true, cancellation), cancellation);
        }

        return ExitCode.Done;
    }

    // What the bytes of an output depend on; the threshold in the file is not part of it.
    private static JsonObject Describe(string job, string file, ScoreOptions options, ImageSource source, int samples)
    {
        var asked = new JsonObject();
        (asked["verb"], asked["device"], asked["scorer"], asked["samples"], asked["seed"]) = (job, options.Job.Execution.Device, RunExport.IdentifyScorer(file), samples, options.Seed);
        options.Images.Describe(source, asked);
        options.Given.Describe(asked);
        return asked;
    }

    // Which score, and of how many samples.
    private static (ScoreKind Kind, int Samples) Choose(VaeScorer scorer, ScoreOptions options)
    {
        var kind = options.Score is { } name ? ScoreKinds.Find(name)!.Value : scorer.DefaultKind;
        int samples = options.Samples ?? (scorer.DefaultKind == kind ? scorer.DefaultSamples : scorer.Samples);
        return !scorer.Kinds.Contains(kind) ? throw new UsageException($"The model has no {options.Score}: give --score {string.Join(" or ", scorer.Kinds.Select(ScoreKinds.Name))}.")
            : samples % scorer.Samples > 0 ? throw new UsageException($"--samples is {samples}; the scorer takes {scorer.Samples} at a time: give a multiple.")
            : options.Map is not null && !scorer.HasMap ? throw new UsageException("The model has no map: its likelihood has no distortion of each value. Leave --map out.")
            : (kind, samples);
    }
}
