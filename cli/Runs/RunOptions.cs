using System.Text.Json.Serialization;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>All options of an autoencoder's run, as stored in the run's folder.</summary>
internal sealed record RunOptions : IChecked, IRunOptions, IJsonOnDeserialized
{
    [Group, JsonRequired]
    public DataOptions Data { get; init; } = new();

    [Option(Topic.Model, "Train a package that was compiled before; needs no TorchSharp.")]
    public string? Package { get; init; }

    /// <summary>What to compile; null if a package is given.</summary>
    [Group, JsonRequired, JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ModelOptions? Model { get; init; } = new();

    [Group]
    public FineTuningOptions FineTuning { get; init; } = new();

    [Group]
    public AugmentationOptions Augmentation { get; init; } = new();

    [Group, JsonRequired]
    public LengthOptions Length { get; init; } = new();

    [AccumulateOption, Between(1, BetweenAttribute.LargestWidth)]
    public int Accumulate { get; init; } = 1;

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Group, JsonRequired]
    public LoggingOptions Logging { get; init; } = new();

    [EvaluationOption, Between(0, BetweenAttribute.LargestCount)]
    public int ImportanceSamples { get; init; } = 10;

    [Option(Topic.Run, "Components of a Gaussian mixture fitted to the training images' latents after training, as by 'fit', with a grid of samples; 0 for none."), Between(0, LatentMixture.MostComponents)]
    public int Mixture { get; init; }

    [Group, JsonRequired]
    public ExecutionOptions Execution { get; init; } = new();

    /// <summary>The number of training images when the run was started; it must be the same when the run is resumed.</summary>
    public long TrainingImages { get; init; }

    public long TestImages { get; init; }

    /// <summary>What identifies the images: <see cref="ImageData.Identify"/>.</summary>
    public string? ImagesIdentity { get; init; }

    /// <summary>Whether arrays hold real numbers instead of pixels, where the model says so; null where their values do.</summary>
    public bool? IsReal { get; init; }

    /// <summary>The columns of the table whose rows a compiled package takes; null where the data say.</summary>
    public IReadOnlyList<ColumnSpec>? Columns { get; init; }

    /// <summary>What has changed since the start.</summary>
    public IReadOnlyList<RunChange> Changes { get; init; } = [];

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given)
    {
        if (Package is not null && OptionNames.Of(typeof(ModelOptions)).FirstOrDefault(given.Names.Contains) is { } option)
        {
            yield return $"{option} cannot be given with --package: the package was compiled with its own.";
        }

        if (Package is not null && Data.Scale is not null)
        {
            yield return "--scale cannot be given with --package: the package was compiled with its own.";
        }

        if (Data.Scale is not null && Package is null && Model!.HasSegments)
        {
            yield return "--scale cannot be given with --model colorization: it is for colors from 0 to 1.";
        }

        foreach (string fault in Conditions.FaultsOf(Data.Condition, Package is null ? Model : null))
        {
            yield return fault;
        }

        if (Augmentation.RandomRotation > 0 && Data.Binarize)
        {
            yield return "--random-rotation cannot be given with --binarize: rotated pixels are neither black nor white.";
        }

        if (Mixture > 0 && Data.Condition is not null && Model?.Prior == Priors.Conditional)
        {
            yield return "--mixture cannot be given with --prior conditional: that prior already follows the latents of each condition.";
        }

        if (Mixture > 0 && Package is null && (Model!.HasCodes || Model.HasSegments || Model.Rounded))
        {
            yield return $"--mixture cannot be given with {(Model.Rounded ? "--rounded" : $"--model {Model.Model}")}: it is for latents that are real numbers.";
        }
    }

    /// <inheritdoc/>
    public static string Kind => "autoencoder";

    /// <summary>Options that may change when a run is resumed, by their names on the command line: how it is logged, and where it runs.</summary>
    public static IEnumerable<string> Changeable => OptionNames.Of(typeof(LoggingOptions)).Concat(OptionNames.Of(typeof(ExecutionOptions)));

    /// <exception cref="InvalidDataException">A stored value is not allowed for its option.</exception>
    void IJsonOnDeserialized.OnDeserialized()
    {
        if (Package is null == Model is null)
        {
            throw new InvalidDataException("it needs either a package or a model.");
        }

        if (Length is { Epochs: null, Steps: null })
        {
            throw new InvalidDataException("it has neither epochs nor steps.");
        }

        OptionRecord.RequireValid(this);
    }

    /// <summary>The same with what follows from the options: full paths, the length, and no model options if a package is given.</summary>
    public RunOptions Resolve() => this with
    {
        Package = Path.Exists(Package) ? Path.GetFullPath(Package) : Package,
        Data = Data.Resolve(),
        Model = Package is null ? Model : null,
        FineTuning = FineTuning.Resolve(),
        Length = Length.Resolve(Data),
    };

    /// <summary>Total number of steps, for a data set and a batch size.</summary>
    public long StepsFor(ImageSource train, int batch) => Length.StepsFor(train, (long)batch * Accumulate);

    /// <summary>How the images are prepared.</summary>
    [JsonIgnore]
    public ImageOptions ImageOptions => Data.ToImageOptions(Seed);

    /// <summary>Opens the images, for a run as they were opened when it was started.</summary>
    public ImageData OpenImages() => Data.Open(Seed, IsReal, Columns is null ? null : TableSpec.Of(Columns));

    /// <summary>Opens the images of a run that goes on.</summary>
    /// <exception cref="InvalidDataException">They have changed.</exception>
    public ImageData OpenTheSameImages()
    {
        var images = OpenImages();
        return (images.Train.Count, images.Test.Count) != (TrainingImages, TestImages) ? throw new InvalidDataException(
                $"'{Data.Data}' has {images.Train.Count} training and {images.Test.Count} test {images.Test.Shape.Noun}, but the run was started with {TrainingImages} and {TestImages}: put the data back, or start a new run.")
            : ImagesIdentity is not null && ImagesIdentity != images.Identify() ? throw new InvalidDataException(
                $"'{Data.Data}' has as many {images.Train.Shape.Noun} as when the run was started, but others: put the data back, or start a new run.")
            : images;
    }
}
