using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Distributed;

namespace OnnxVae.Training.Steps;

/// <summary>How batches are computed: as a whole, or in parts, by one process or by several.</summary>
public sealed record BatchPlan
{
    internal BatchPlan(int batchSize, int partSize, int processes) => (BatchSize, PartSize, Processes) = (batchSize, partSize, processes);

    /// <summary>Images of a batch.</summary>
    public int BatchSize { get; }

    /// <summary>Images of a part.</summary>
    public int PartSize { get; }

    /// <summary>Processes that share the parts.</summary>
    public int Processes { get; }

    /// <summary>Parts of a batch.</summary>
    public int Parts => BatchSize / PartSize;

    /// <summary>Whether a batch is computed as a whole, by one process.</summary>
    public bool IsWhole => Parts == 1;

    /// <summary>The largest size of parts that lets all processes have equally many of them.</summary>
    /// <param name="batchSize">The most images that are computed together.</param>
    /// <param name="accumulate">How many times as large the whole batch is.</param>
    /// <param name="processes">Processes that share the parts.</param>
    /// <exception cref="InvalidDataException">The processes do not divide the batch.</exception>
    public static int PartSizeFor(int batchSize, int accumulate, int processes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processes, 1);
        int whole = WholeBatch(batchSize, accumulate);
        return whole % processes != 0
            ? throw new InvalidDataException($"A batch of {Describe(batchSize, accumulate)} cannot be divided among {processes} processes: start as many as divide it, or take another batch.")
            : Enumerable.Range(accumulate, whole).Where(parts => whole % parts == 0 && parts % processes == 0).Select(parts => whole / parts).First();
    }

    /// <summary>The size of the parts that a package has to be compiled for; null if batches are computed as a whole.</summary>
    /// <inheritdoc cref="PartSizeFor"/>
    public static int? PartSizeToCompile(int batchSize, int accumulate, int processes) => accumulate == 1 && processes == 1 ? null : PartSizeFor(batchSize, accumulate, processes);

    /// <summary>How the batches of a package are computed.</summary>
    /// <param name="package">The package.</param>
    /// <param name="accumulate">How many of its batches make one step.</param>
    /// <param name="processes">Processes that share the parts.</param>
    /// <exception cref="InvalidDataException">The package was not compiled for that.</exception>
    public static BatchPlan For(TrainingPackage package, int accumulate = 1, int processes = 1)
    {
        ArgumentNullException.ThrowIfNull(package);
        return FaultOf(package, accumulate, processes) is { } fault ? throw new InvalidDataException(fault) : new BatchPlan(WholeBatch(package, accumulate), PartSizeOf(package), processes);
    }

    /// <summary>Whether the batches of a package can be computed like that.</summary>
    /// <inheritdoc cref="For" path="/param"/>
    public static bool IsPossible(TrainingPackage package, int accumulate, int processes) => FaultOf(package, accumulate, processes) is null;

    private static string? FaultOf(TrainingPackage package, int accumulate, int processes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processes, 1);
        int whole = WholeBatch(package, accumulate), partSize = PartSizeOf(package);
        bool isSplit = package.Manifest.Split is not null;
        return isSplit ? whole % partSize == 0 && whole / partSize % processes == 0 ? null
                : $"A batch of {Describe(whole / accumulate, accumulate)} is computed in {(whole / partSize == 1 ? "one part" : $"{whole / partSize} parts")} of {partSize}, as the package '{package.Folder}' was compiled, and {processes} processes cannot share them: accumulate more batches, or compile it for smaller ones."
            : accumulate == 1 && processes == 1 ? null
            : $"The package '{package.Folder}' has its training step in one program only, for batches that are computed as a whole: compile it in two for {(accumulate > 1 ? "accumulation" : "several processes")}.";
    }

    private static int WholeBatch(TrainingPackage package, int accumulate) => WholeBatch((int)package.Manifest.Step.Images.Shape[0], accumulate);

    private static int PartSizeOf(TrainingPackage package) => (int)(package.Manifest.Split?.Gradients ?? package.Manifest.Step).Images.Shape[0];

    /// <summary>Which parts a process computes.</summary>
    internal BatchParts PartsOf(ProcessGroup group)
    {
        int each = Parts / Processes;
        return new BatchParts(Parts, group.Rank * each, each);
    }

    private static int WholeBatch(int batchSize, int accumulate)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(accumulate, 1);
        return checked(batchSize * accumulate);
    }

    private static string Describe(int batchSize, int accumulate) =>
        $"{batchSize}{(accumulate == 1 ? "" : $" x {accumulate}")} {(batchSize * accumulate == 1 ? "image" : "images")}";
}
