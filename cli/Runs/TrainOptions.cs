using System.Text.Json.Serialization;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>Everything a run was asked for, as it is stored in the run's folder.</summary>
internal sealed record TrainOptions : IJsonOnDeserialized
{
    public required string Data { get; init; }

    public int? ImageSize { get; init; }

    public int? Channels { get; init; }

    public bool SkipCorrupt { get; init; }

    public bool Binarize { get; init; }

    public string? Package { get; init; }

    /// <summary>What to compile; null where a package is given.</summary>
    public ModelOptions? Model { get; init; }

    public int? Epochs { get; init; }

    public long? Steps { get; init; }

    public ulong Seed { get; init; }

    public required string Device { get; init; }

    public int Threads { get; init; }

    public int LogEvery { get; init; }

    public int CheckpointEvery { get; init; }

    public int ImportanceSamples { get; init; }

    /// <summary>Images in the training split when the run was started; they have to be the same when it resumes.</summary>
    public long TrainingImages { get; init; }

    public long TestImages { get; init; }

    [JsonIgnore]
    public ImageOptions ImageOptions => new(ImageSize is { } side ? (side, side) : null, Channels, SkipCorrupt, Binarize ? Seed : null);

    /// <exception cref="InvalidDataException">A stored number is none that a run can have.</exception>
    void IJsonOnDeserialized.OnDeserialized()
    {
        StoredNumber.Require("epochs", Epochs ?? 1, 1);
        StoredNumber.Require("steps", Steps ?? (Epochs is null ? 0 : 1), 1);
        StoredNumber.Require("threads", Threads, 0);
        StoredNumber.Require("logEvery", LogEvery, 1);
        StoredNumber.Require("checkpointEvery", CheckpointEvery, 1);
        StoredNumber.Require("importanceSamples", ImportanceSamples, 0);
    }

    /// <summary>Opens the images of a run that was started with these options.</summary>
    /// <exception cref="InvalidDataException">They have changed.</exception>
    public ImageData OpenTheSameImages()
    {
        var images = DataOpening.Open(Data, ImageOptions);
        return (images.Train.Count, images.Test.Count) == (TrainingImages, TestImages) ? images : throw new InvalidDataException(
            $"'{Data}' has {images.Train.Count} training and {images.Test.Count} test images, but the run was started with {TrainingImages} and {TestImages}: put the data back, or start a new run.");
    }

    /// <summary>Steps in all, for a data set and a batch.</summary>
    public long StepsFor(ImageSource train, int batch) => Steps ?? (Epochs!.Value * Math.Max(1, BatchPipeline.StepsPerEpoch(train, batch)));
}

/// <summary>What to compile.</summary>
internal sealed record ModelOptions
{
    public required string Model { get; init; }

    public string? Hidden { get; init; }

    public required string Likelihood { get; init; }

    public double Sigma { get; init; }

    public double Lambda { get; init; }

    public required string Pixels { get; init; }

    public int Latent { get; init; }

    public required string Prior { get; init; }

    public int PseudoImages { get; init; }

    public bool Rounded { get; init; }

    public double Beta { get; init; }

    public int BetaWarmUp { get; init; }

    public int BetaCycles { get; init; }

    public double? FreeBits { get; init; }

    public double? Capacity { get; init; }

    public double CapacityWeight { get; init; }

    public int Samples { get; init; }

    public int Batch { get; init; }

    public double LearningRate { get; init; }

    public required string LearningRateSchedule { get; init; }

    public int WarmUp { get; init; }

    public required string Optimizer { get; init; }

    public double? ClipGradient { get; init; }

    public double? WeightAveraging { get; init; }

    public bool Precise { get; init; }

    public string? Quantizer { get; init; }

    public int Codes { get; init; }

    public int CodeLength { get; init; }

    public string? ScalarLevels { get; init; }

    public double Commitment { get; init; }

    public double CodebookDecay { get; init; }

    public int Width { get; init; }

    public int ResidualWidth { get; init; }

    public int ResidualBlocks { get; init; }
}
