using OnnxVae.Inference;

namespace OnnxVae.Training.Runs;

/// <summary>How long and where to train.</summary>
public sealed record TrainerOptions
{
    /// <summary>Total number of steps.</summary>
    public required long Steps { get; init; }

    /// <summary>Random seed of data order and noise.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Where to run.</summary>
    public OnnxDevice Device { get; init; } = OnnxDevice.Cpu;

    /// <summary>CPU threads; 0 for one per logical processor.</summary>
    public int Threads { get; init; }

    /// <summary>Steps between log lines, the only steps that compute metrics; checkpoints are logged too.</summary>
    public int LogEvery { get; init; } = 50;

    /// <summary>Steps between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>How many of the newest checkpoints are kept.</summary>
    public int KeepCheckpoints { get; init; } = 3;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LogEvery, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(CheckpointEvery, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(KeepCheckpoints, 1);
        OnnxDevice.RequireThreads(Threads);
    }
}
