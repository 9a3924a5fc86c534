using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Generate;

/// <summary>The options of <c>generate</c>.</summary>
internal sealed record GenerateOptions : IChecked
{
    [Argument("DECODER", "A run, the folder of its exported files, or a decoder.onnx.")]
    public string Decoder { get; init; } = "";

    [Option(Topic.Images, "How many images."), Between(1, 10_000_000_000)]
    public long Count { get; init; } = 64;

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Option(Topic.Images, "Where latents are drawn from: the model's own prior, a mixture that 'fit' made of the training images' latents, or N(0, I)."), Among(PriorFile.OfModel, PriorFile.Mixture, PriorFile.StandardNormal)]
    public string Prior { get; init; } = PriorFile.OfModel;

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [Group]
    public CompletedImages Images { get; init; } = new();

    [Option(Topic.Condition, "Completions of each image of --data; --count is left out then."), Between(1, 1_000_000)]
    public int Completions { get; init; } = 4;

    [Option(Topic.Codes, "What the logits of codes are divided by; below 1, likely codes become more likely."), Positive]
    public double Temperature { get; init; } = 1;

    [Option(Topic.Codes, "Draw only from the likeliest codes that together have this probability."), Probability]
    public double TopP { get; init; } = 1;

    [Option(Topic.Codes, "An ONNX classifier with the prior's classes in their order: of --candidates images, the one with the highest probability of --class is kept.")]
    public string? Classifier { get; init; }

    [Option(Topic.Codes, "Images of which one is kept, with --classifier."), Between(1, 4096)]
    public int Candidates { get; init; } = 4;

    [Option(Topic.Output, "Also draw the first 64 of this shard into one picture."), Picture]
    public string? Grid { get; init; }

    [Group]
    public ImageJobOptions Job { get; init; } = new();

    /// <summary>The images to be completed.</summary>
    internal sealed record CompletedImages : ImageSelection, IChecked
    {
        [Option(Topic.Data, "Images to complete, for models trained with --condition mask.")]
        public override string? Data { get; init; }

        /// <inheritdoc/>
        public IEnumerable<string> FindFaults(GivenOptions given) => FaultsWithoutData(given);
    }

    /// <summary>How codes are drawn; null if no such option was given.</summary>
    /// <param name="model">The model.</param>
    public CodeSampling? SamplingFor(ModelMetadata model) =>
        new CodeSampling(model.Condition is null ? Given.Class : null, Temperature, TopP) is var sampling && sampling != new CodeSampling() ? sampling : null;

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given)
    {
        if (Classifier is not null && Given.Class is null)
        {
            yield return "--classifier needs --class: it keeps the images most likely to be of that class.";
        }

        if (Images.Data is null && given.Has(nameof(Completions)))
        {
            yield return "--completions needs --data: the images to complete.";
        }

        if (Images.Data is not null && given.Has(nameof(Count)))
        {
            yield return "--count cannot be given with --data: each image is completed --completions times.";
        }

        if (Classifier is null && given.Has(nameof(Candidates)))
        {
            yield return "--candidates needs --classifier: it chooses among them.";
        }
    }
}
