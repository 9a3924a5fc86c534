using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Training.Runs;

/// <summary>How long and where to train.</summary>
public sealed record TrainerOptions
{
    private const int UsualValidations = 20;

    /// <summary>Total number of steps.</summary>
    public required long Steps { get; init; }

    /// <summary>Random seed of data order and noise.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How many of the package's batches make one step, as one batch that many times as large would.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>The processes among which every batch is divided. The first one has a <see cref="Trainer"/>, the others a <see cref="TrainingWorker"/>.</summary>
    public ProcessGroup Group { get; init; } = ProcessGroup.Single;

    /// <summary>Where to run.</summary>
    public OnnxDevice Device { get; init; } = OnnxDevice.Cpu;

    /// <summary>CPU threads; 0 for one per logical processor.</summary>
    public int Threads { get; init; }

    /// <summary>Steps between log lines, the only steps that compute metrics; checkpoints are logged too.</summary>
    public int LogEvery { get; init; } = 50;

    /// <summary>Steps between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>Steps between evaluations of the validation images, if there are any; null for twenty evaluations of a run. The last step is evaluated, too.</summary>
    public int? ValidateEvery { get; init; }

    /// <summary>The figure of the validation images by which the best checkpoint is chosen, and by which patience is measured.</summary>
    public ValidationFigure BestBy { get; init; }

    /// <summary>Whether the best checkpoint is kept, as <see cref="RunFolder.Best"/>.</summary>
    public bool KeepsBest { get; init; } = true;

    /// <summary>Training ends after this many evaluations of the validation images in a row without a lower value of that figure; null to do all steps.</summary>
    public int? Patience { get; init; }

    /// <summary>Random changes to training images; null for none.</summary>
    public Augmentation? Augmentation { get; init; }

    /// <summary>How many of the newest checkpoints are kept.</summary>
    public int KeepCheckpoints { get; init; } = 3;

    /// <summary>The usual number of steps between evaluations of the validation images: a twentieth of the run.</summary>
    /// <param name="steps">Total number of steps.</param>
    public static long UsualValidateEvery(long steps) => Math.Max(1, steps / UsualValidations);

    internal bool IsLogged(long step, bool isValidated) => IsCheckpoint(step) || isValidated || step % LogEvery == 0 || step == 1;

    internal bool IsCheckpoint(long step) => step % CheckpointEvery == 0 || step == Steps;

    internal bool IsValidated(long step) => step % (ValidateEvery ?? UsualValidateEvery(Steps)) == 0 || step == Steps;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Accumulate, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LogEvery, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(CheckpointEvery, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(KeepCheckpoints, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ValidateEvery ?? 1, 1, nameof(ValidateEvery));
        ArgumentOutOfRangeException.ThrowIfLessThan(Patience ?? 1, 1, nameof(Patience));
        OnnxDevice.RequireThreads(Threads);
    }
}
