using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>What a run writes and keeps, how often, and when it stops early.</summary>
internal sealed record LoggingOptions
{
    private const string Best = "best", Last = "last", Loss = "loss";

    [Option(Topic.Run, "Steps between lines of metrics.jsonl."), Between(1, BetweenAttribute.LargestCount)]
    public int LogEvery { get; init; } = 50;

    [Option(Topic.Run, "Steps between checkpoints, with which autoencoders draw sample grids."), Between(1, BetweenAttribute.LargestCount)]
    public int CheckpointEvery { get; init; } = 500;

    [Option(Topic.Run, "Steps between evaluations of the validation images; a twentieth of the run if left out."), Between(1, BetweenAttribute.LargestCount)]
    public int? ValidateEvery { get; init; }

    [Option(Topic.Run, "Which checkpoint is evaluated and exported: the best one, where there is validation, or the last."), Among(Best, Last)]
    public string Keep { get; init; } = Best;

    [Option(Topic.Run, "The validation figure that is lowest at the best checkpoint, and that patience is measured by."), Among(Loss, "distortion")]
    public string BestBy { get; init; } = Loss;

    [Option(Topic.Run, "Stop after this many evaluations of the validation images in a row without a lower --best-by; all steps if left out."), Between(1, BetweenAttribute.LargestCount)]
    public int? Patience { get; init; }

    [Option(Topic.Run, "Also write the numbers of the log to metrics.csv.")]
    public bool Csv { get; init; }

    [Option(Topic.Run, "Also write TensorBoard event files, into the folder tensorboard of the run.")]
    public bool TensorBoard { get; init; }

    /// <summary>Requires validation images where they are needed.</summary>
    /// <exception cref="UsageException">There are none.</exception>
    public void RequireFit(ImageData images)
    {
        string? option = Patience is not null ? "--patience" : ValidateEvery is not null ? "--validate-every" : BestBy != Loss ? "--best-by" : null;
        if (option is not null && images.Validation is null)
        {
            throw new UsageException($"{option} needs validation images: give --validation 0.1, or data with a validation split.");
        }
    }

    /// <summary>The same with the interval of evaluations filled in, so that it stays what it is when the run goes on.</summary>
    /// <param name="images">The images.</param>
    /// <param name="steps">Total number of steps.</param>
    public LoggingOptions Resolve(ImageData images, long steps) => images.Validation is null ? this : this with { ValidateEvery = ValidateEvery ?? (int)Math.Min(TrainerOptions.UsualValidateEvery(steps), BetweenAttribute.LargestCount) };

    /// <summary>Training options with this logging.</summary>
    /// <param name="steps">Total number of steps.</param>
    /// <param name="seed">Random seed of data order and noise.</param>
    /// <param name="execution">Where to run.</param>
    public TrainerOptions ToTrainerOptions(long steps, ulong seed, ExecutionOptions execution) => new()
    {
        Steps = steps,
        Seed = seed,
        Device = execution.ParseDevice(),
        Threads = execution.Threads,
        LogEvery = LogEvery,
        CheckpointEvery = CheckpointEvery,
        ValidateEvery = ValidateEvery,
        KeepsBest = Keep == Best,
        BestBy = Enum.Parse<ValidationFigure>(BestBy, ignoreCase: true),
        Patience = Patience,
    };
}
