using System.Text.Json.Nodes;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs.Generate;

/// <summary>Generates images from draws of the prior.</summary>
[Verb("generate", VerbTopic.Images, "Generates images.", Details = "Image k depends on the seed and on k alone. A job that was stopped continues when it is started again.",
    Example = "generate runs/digits --count 1000 --out images --grid grid.png")]
internal sealed class GenerateVerb : LongVerb<GenerateOptions>
{
    private const int GridColumns = 8;
    private const int LargestGrid = 64;

    protected override async Task<int> RunAsync(GenerateOptions options, CancellationToken cancellation)
    {
        string file = ModelPath.FileIn(options.Decoder, ExportedFiles.Decoder);
        var (job, run) = (options.Job, options.Job.ToVaeOptions());
        using var original = VaeDecoder.Load(file, run);
        var (condition, count) = Given(options, original.Metadata);
        var decoder = condition is null ? original : original.Given(condition);
        var images = job.Images(decoder.Metadata, count);
        var drawn = PriorFile.Open(options.Prior, file, decoder, options.SamplingFor(decoder.Metadata), run);
        using var selection = options.Classifier is { } judge
            ? Selection.Open(judge, options.Candidates, (TrainedCodePrior)drawn, decoder, options.Given.Class!, images.Range, run)
            : null;
        var prior = selection?.Prior ?? drawn;

        using var claim = JobRecord.Claim(job.Paths, Describe(options, count, file, decoder.Metadata));
        using var output = ImageOutput.Open(job.Paths, images);
        long made = await ImageJob.RunAsync(
            "Generating", output.Missing, range => decoder.GenerateAsync(range, options.Seed, output.Prepare, prior, cancellation), output.Finish, cancellation);
        string? choice = made > 0 ? selection?.Report() : null;
        if (options.Grid is { } picture && images.Range.Count > 0)
        {
            float[] first = decoder.Generate((int)Math.Min(LargestGrid, images.Range.Count), options.Seed, images.Range.First, prior);
            ImageGrid.Save(picture, first, images.Model, GridColumns);
        }

        ImageJob.Report("Generated", made, images.Range, job.Paths, decoder.Metadata);
        if (choice is not null)
        {
            Console.WriteLine(choice);
        }

        return ExitCode.Done;
    }

    // What each image is given, and how many images there are.
    private static (Condition? Condition, long Count) Given(GenerateOptions options, ModelMetadata model)
    {
        if (options.Images.Data is null)
        {
            var condition = options.Given.ForDraws(options.Count, model);
            return condition is null || condition.Count >= options.Count ? (condition, options.Count) : throw new InvalidDataException(
                $"'{options.Given.Condition}' has {condition.Count} rows, but --count is {options.Count}: give as many rows, one for all images, or a smaller --count.");
        }

        if (model.Condition?.Kind != ConditionKinds.Mask)
        {
            throw new UsageException("--data is for models that complete images, but this one was trained without --condition mask.");
        }

        var images = options.Images.Open(model);
        return (options.Given.ForImages(images, model, options.Seed)!.Repeated(options.Completions), images.Count * options.Completions);
    }

    private static JsonObject Describe(GenerateOptions options, long count, string decoder, ModelMetadata model)
    {
        var priors = PriorFile.Find(options.Prior, decoder, model).Select((file, i) => (i == 0 ? "prior" : $"prior{i + 1}", file));
        var asked = options.Job.Describe("generate", [("decoder", decoder), .. priors]);
        (asked["seed"], asked["count"], asked["drawnFrom"]) = (options.Seed, count, options.Prior);
        options.Given.Describe(asked);
        if (options.Images.Data is { } data)
        {
            (asked["data"], asked["split"], asked["completions"]) = (data, options.Images.Split, options.Completions);
        }

        if (options.SamplingFor(model) is { } sampling)
        {
            (asked["class"], asked["temperature"], asked["topP"]) = (sampling.Class, sampling.Temperature, sampling.TopP);
        }

        if (options.Classifier is { } classifier)
        {
            (asked["classifier"], asked["candidates"]) = (JobRecord.Fingerprint(classifier), options.Candidates);
        }

        return asked;
    }
}
