namespace OnnxVae.Training.Distributed;

/// <summary>The processes that <c>mpirun</c>, <c>mpiexec</c> or <c>srun</c> has started.</summary>
public sealed class MpiGroup : ProcessGroup
{
    private const int LargestMessage = 1 << 28; // bytes
    private const int LargestSum = 1 << 26; // numbers
    private static readonly string[] OpenMpi = ["libmpi.so.40", "libmpi.40.dylib"], Mpich = ["libmpi.so.12", "libmpich.so.12", "libmpi.12.dylib"], Mpi5 = ["libmpi_abi.so.0", "libmpi_abi.0.dylib"];

    private readonly MpiLibrary library;
    private bool hasLeft;

    private MpiGroup(MpiLibrary library)
    {
        this.library = library;
        (Rank, Size) = library.Start();
    }

    /// <summary>Joins the other processes; once per process.</summary>
    /// <param name="library">The MPI library's file; if null, that of the launcher: Open MPI, MPICH or one with its interface, or MPI 5's common interface.</param>
    /// <exception cref="DllNotFoundException">There is no such library, or it is none of MPI.</exception>
    /// <exception cref="InvalidOperationException">MPI cannot start.</exception>
    public static MpiGroup Join(string? library = null) => new(new MpiLibrary(library is not null ? [library] : [.. Candidates]));

    /// <summary>The rank that the launcher gave this process, before it joins the others; 0 if there is no launcher.</summary>
    public static int LaunchedRank => Number("OMPI_COMM_WORLD_RANK") ?? Number("PMI_RANK") ?? Number("PMIX_RANK") ?? 0;

    /// <summary>Whether a launcher has started this process as one of several.</summary>
    public static bool IsLaunched => (Number("OMPI_COMM_WORLD_SIZE") ?? Number("PMI_SIZE") ?? (Number("PMIX_RANK") is null ? 1 : Number("SLURM_STEP_NUM_TASKS") ?? Number("SLURM_NTASKS"))) > 1;

    /// <summary>How many processes <c>srun</c> has started as one, without telling them apart for MPI; 1 if that is not so.</summary>
    public static int StartedWithoutMpi => IsLaunched || Number("PMIX_RANK") is not null ? 1 : Number("SLURM_STEP_NUM_TASKS") ?? 1;

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Size { get; }

    /// <summary>The MPI library, as it describes itself.</summary>
    public string Library => library.Version;

    /// <inheritdoc/>
    public override void Sum(Span<float> values)
    {
        for (int first = 0; first < values.Length; first += LargestSum)
        {
            library.Sum(values.Slice(first, Math.Min(LargestSum, values.Length - first)));
        }
    }

    /// <inheritdoc/>
    public override void Broadcast(Span<byte> bytes, int from = 0)
    {
        for (int first = 0; first < bytes.Length; first += LargestMessage)
        {
            library.Broadcast(bytes.Slice(first, Math.Min(LargestMessage, bytes.Length - first)), from, Pause);
        }
    }

    /// <inheritdoc/>
    public override void Abort(int exitCode) => library.Abort(exitCode);

    /// <summary>Waits until all processes are done, and leaves.</summary>
    /// <inheritdoc/>
    protected override void Dispose(bool isDisposing)
    {
        if (isDisposing && !hasLeft)
        {
            hasLeft = true;
            library.Meet(Pause); // MPI's own end waits for the others, too, but occupies a processor
            library.Finish();
        }

        base.Dispose(isDisposing);
    }

    private static void Pause() => Thread.Sleep(1);

    // That of the launcher comes first where several are installed.
    private static IEnumerable<string> Candidates => Number("OMPI_COMM_WORLD_SIZE") is null && Number("PMI_SIZE") is not null ? [.. Mpich, .. Mpi5, .. OpenMpi] : [.. OpenMpi, .. Mpi5, .. Mpich];

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), out int number) ? number : null;
}
