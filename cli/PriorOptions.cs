namespace OnnxVae.Cli;

/// <summary>Everything the training of a prior was asked for, as it is stored in its folder.</summary>
internal sealed record PriorOptions
{
    public required string Level { get; init; }

    public int Width { get; init; }

    public int Depth { get; init; }

    public int Heads { get; init; }

    public double LabelDropout { get; init; }

    public int Batch { get; init; }

    public double LearningRate { get; init; }

    public int WarmUp { get; init; }

    public long Steps { get; init; }

    public ulong Seed { get; init; }

    public required string Device { get; init; }

    public int Threads { get; init; }

    public int LogEvery { get; init; }

    public int CheckpointEvery { get; init; }
}
