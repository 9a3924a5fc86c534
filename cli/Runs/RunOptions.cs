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

/// <summary>The images of a run.</summary>
internal sealed record DataOptions
{
    [Option(Topic.Data, "sprites (built in), a folder of IDX files or images, a .tar, .tar.gz or .zip of images, a .npy or .npz."), JsonRequired]
    public string Data { get; init; } = Sprites.Name;

    [Option(Topic.Data, "Side of the square to which images are scaled and cropped; as they are, if left out."), Between(1, 4096)]
    public int? ImageSize { get; init; }

    [Option(Topic.Data, "1 for grayscale, 3 for colour; colour where any image has it, if left out."), Channels]
    public int? Channels { get; init; }

    [SkipCorruptOption]
    public bool SkipCorrupt { get; init; }

    [BinarizeOption]
    public bool Binarize { get; init; }

    /// <summary>The same with the data's path in full, so that it is found from any folder.</summary>
    public DataOptions Resolve() => this with { Data = Path.Exists(Data) ? Path.GetFullPath(Data) : Data };

    /// <summary>How the images are prepared.</summary>
    /// <param name="seed">Decides on pixels that are drawn to be black or white.</param>
    public ImageOptions ToImageOptions(ulong seed) => new()
    {
        Size = ImageSize is { } side ? (side, side) : null,
        Channels = Channels,
        SkipCorrupt = SkipCorrupt,
        BinarizationSeed = Binarize ? seed : null,
    };
}

/// <summary>How long a run is.</summary>
internal sealed record LengthOptions : IChecked
{
    private const int UsualEpochs = 10;
    private const long UsualStepsOfSprites = 7000; // of which there are so many that an epoch takes long

    [Option(Topic.Run, "Passes over the training images; if neither these nor --steps are given, 10, or 7000 steps for the built-in sprites."), AtLeast(1)]
    public int? Epochs { get; init; }

    [Option(Topic.Run, "Training steps, instead of --epochs."), AtLeast(1)]
    public long? Steps { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => Epochs is not null && Steps is not null ? ["Give --epochs or --steps, not both."] : [];

    /// <summary>The same, with what is usual for data.</summary>
    public LengthOptions Resolve(DataOptions data) => Epochs is not null || Steps is not null ? this
        : data.Data == Sprites.Name ? new() { Steps = UsualStepsOfSprites }
        : new() { Epochs = UsualEpochs };

    /// <summary>Steps in all, for a data set and a batch.</summary>
    public long StepsFor(ImageSource train, int batch) => Steps ?? ((Epochs ?? UsualEpochs) * Math.Max(1, BatchPipeline.StepsPerEpoch(train, batch)));
}

/// <summary>How often a run writes.</summary>
internal sealed record LoggingOptions
{
    [Option(Topic.Run, "Steps between lines of metrics.jsonl."), Between(1, BetweenAttribute.LargestCount)]
    public int LogEvery { get; init; } = 50;

    [Option(Topic.Run, "Steps between checkpoints, with which autoencoders draw sample grids."), Between(1, BetweenAttribute.LargestCount)]
    public int CheckpointEvery { get; init; } = 500;
}
