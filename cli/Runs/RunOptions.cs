using System.Text.Json.Serialization;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>Everything that the run of an autoencoder was asked for, as it is stored in the run's folder.</summary>
internal sealed record RunOptions : IChecked, IJsonOnDeserialized
{
    [Group, JsonRequired]
    public DataOptions Data { get; init; } = new();

    [Option(Topic.Model, "Train a package that was compiled before; needs no TorchSharp.")]
    public string? Package { get; init; }

    /// <summary>What to compile; null where a package is given.</summary>
    [Group]
    public ModelOptions? Model { get; init; } = new();

    [Group, JsonRequired]
    public LengthOptions Length { get; init; } = new();

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Group, JsonRequired]
    public LoggingOptions Logging { get; init; } = new();

    [EvaluationOption, Between(0, BetweenAttribute.LargestCount)]
    public int ImportanceSamples { get; init; } = 10;

    [Group, JsonRequired]
    public ExecutionOptions Execution { get; init; } = new();

    /// <summary>Images in the training split when the run was started; they have to be the same when it resumes.</summary>
    public long TrainingImages { get; init; }

    public long TestImages { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => Package is not null && OptionNames.Of(typeof(ModelOptions)).FirstOrDefault(given.Names.Contains) is { } option
        ? [$"{option} cannot be given with --package: the package was compiled with its own."]
        : [];

    /// <exception cref="InvalidDataException">A stored value is none that an option can have.</exception>
    void IJsonOnDeserialized.OnDeserialized() => OptionRecord.RequireValid(this);

    /// <summary>The same with what follows from the options: paths in full, how long, and nothing of a model beside a package.</summary>
    public RunOptions Resolve() => this with
    {
        Data = Data.Resolve(),
        Model = Package is null ? Model : null,
        Length = Length.Resolve(Data),
    };

    /// <summary>How the images are prepared.</summary>
    [JsonIgnore]
    public ImageOptions ImageOptions => Data.ToImageOptions(Seed);

    /// <summary>Opens the images of a run that was started with these options.</summary>
    /// <exception cref="InvalidDataException">They have changed.</exception>
    public ImageData OpenTheSameImages()
    {
        var images = DataOpening.Open(Data.Data, ImageOptions);
        return (images.Train.Count, images.Test.Count) == (TrainingImages, TestImages) ? images : throw new InvalidDataException(
            $"'{Data.Data}' has {images.Train.Count} training and {images.Test.Count} test images, but the run was started with {TrainingImages} and {TestImages}: put the data back, or start a new run.");
    }
}
