using OnnxVae.Cli.Options;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Runs;

/// <summary>How long a run is.</summary>
internal sealed record LengthOptions : IChecked
{
    private const int UsualEpochs = 10;
    private const long UsualStepsOfSprites = 7000; // an epoch of the many sprites takes long

    [Option(Topic.Run, "Epochs; if neither --epochs nor --steps is given, 10 epochs, or 7000 steps for the built-in sprites."), AtLeast(1), Alternative("length")]
    public int? Epochs { get; init; }

    [Option(Topic.Run, "Training steps, instead of --epochs."), AtLeast(1), Alternative("length")]
    public long? Steps { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => Epochs is not null && Steps is not null ? ["Give --epochs or --steps, not both."] : [];

    /// <summary>The same, with the default for the data filled in.</summary>
    public LengthOptions Resolve(DataOptions data) => Epochs is not null || Steps is not null ? this
        : data.Data == Sprites.Name ? new() { Steps = UsualStepsOfSprites }
        : new() { Epochs = UsualEpochs };

    /// <summary>Total number of steps, for a data set and a batch size.</summary>
    public long StepsFor(ImageSource train, long batch) => Steps ?? ((Epochs ?? UsualEpochs) * Math.Max(1, BatchPipeline.StepsPerEpoch(train, batch)));
}
