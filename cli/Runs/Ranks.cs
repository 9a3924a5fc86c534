using OnnxVae.Cli.Terminal;
using OnnxVae.Training.Distributed;

namespace OnnxVae.Cli.Runs;

/// <summary>The processes that <c>mpirun</c> has started for a command: the first one leads, and the others train what it says. Without mpirun there is only one.</summary>
internal sealed class Ranks : IDisposable
{
    private const string NoLibrary = "none";
    private static readonly TimeSpan TimeForTheFirst = TimeSpan.FromSeconds(2);

    private readonly int threads;
    private bool areTraining;

    private Ranks(ProcessGroup group)
    {
        Group = group;
        string own = $"{Environment.MachineName} {AllowedProcessors()}"; // launchers may bind each process to some processors
        threads = Math.Max(1, Environment.ProcessorCount / group.Gather(own).Count(other => other == own));
    }

    /// <summary>The MPI library's file; null for that of the launcher, <see cref="NoLibrary"/> for a process that works by itself.</summary>
    public static string? Library { get; set; }

    /// <summary>Whether a launcher has started this process to work together with others.</summary>
    public static bool AreLaunched => Library != NoLibrary && MpiGroup.IsLaunched;

    /// <summary>The processes.</summary>
    public ProcessGroup Group { get; }

    /// <summary>How many there are.</summary>
    public int Count => Group.Size;

    /// <summary>The name of this process in messages.</summary>
    public string Name => $"rank {Group.Rank} of {Count}, on {Environment.MachineName}";

    /// <summary>Ends all processes because of the arguments of this one. It joins the others for that: some launchers let them wait for it for ever otherwise.</summary>
    /// <param name="text">What is wrong.</param>
    /// <param name="exitCode">The exit code.</param>
    public static void Refuse(string text, int exitCode)
    {
        ProcessGroup group;
        try
        {
            group = MpiGroup.Join(Library);
        }
        catch (Exception e) when (e is DllNotFoundException or InvalidOperationException)
        {
            return; // the text matters more than that
        }

        if (group.Rank > 0)
        {
            Thread.Sleep(TimeForTheFirst); // it most likely says the same, and ends this process
        }

        Failure.Output.WriteLine(text);
        Failure.Output.Flush();
        group.Abort(exitCode);
    }

    /// <summary>Joins the others.</summary>
    /// <param name="cancellation">Ends this process at once, as long as it waits for them.</param>
    /// <exception cref="DllNotFoundException">There is no MPI library.</exception>
    public static Ranks Join(CancellationToken cancellation)
    {
        using var end = cancellation.Register(Interruption.Exit);
        if (!AreLaunched)
        {
            return Library == NoLibrary || MpiGroup.StartedWithoutMpi is 1 ? new Ranks(ProcessGroup.Single) : throw new UsageException(
                $"srun has started {MpiGroup.StartedWithoutMpi} processes, but without MPI: give srun --mpi=pmix or --mpi=pmi2 to train one model, or --mpi-library none to train one in each.");
        }

        var group = MpiGroup.Join(Library);
        if (group.Size > 1)
        {
            return new Ranks(group);
        }

        group.Dispose();
        throw new UsageException($"The launcher started several processes, but they do not find each other with '{group.Library}': give the launcher's own library as --mpi-library.");
    }

    /// <summary>Threads of this process: those asked for, or its share of the processors; of one process alone 0, for all of them.</summary>
    public int ThreadsFor(int asked) => asked > 0 || Count == 1 ? asked : threads;

    /// <summary>Has the others start training, as soon as all of them are able to.</summary>
    /// <exception cref="InvalidOperationException">One of them is not.</exception>
    public void Start(RankTask task)
    {
        if (Count > 1)
        {
            Group.Broadcast(task.ToJson());
            areTraining = Group.Gather("").FirstOrDefault(fault => fault.Length > 0) is { } fault ? throw new InvalidOperationException(fault) : true;
        }
    }

    /// <summary>Says that training has ended, for all processes alike.</summary>
    public void Finish() => areTraining = false;

    /// <summary>Tells the first process whether this one is able to start.</summary>
    /// <param name="fault">Why it is not; empty if it is.</param>
    /// <returns>Whether all are.</returns>
    public bool Report(string fault) => Group.Gather(fault).All(each => each.Length == 0);

    /// <summary>Waits for what the first process says.</summary>
    /// <returns>What to train, a <see cref="RankTask"/> as JSON; empty if there is nothing more to do.</returns>
    public string Receive() => Group.Broadcast("");

    /// <summary>Tells the others that there is nothing more to do.</summary>
    public void End()
    {
        if (Count > 1)
        {
            Group.Broadcast("");
        }
    }

    /// <summary>Ends the others because this process failed: at once, if they are in the middle of training and wait for it.</summary>
    /// <param name="e">Why it failed.</param>
    public void Fail(Exception e)
    {
        if (areTraining)
        {
            Abort(e);
        }

        End();
    }

    /// <summary>Says why this process failed, and ends all.</summary>
    /// <param name="e">Why it failed.</param>
    public void Abort(Exception e)
    {
        Failure.Output.WriteLine(Failure.TextOf(e, Name));
        Failure.Output.Flush();
        Group.Abort(Failure.CodeOf(e));
    }

    public void Dispose() => Group.Dispose();

    private static string AllowedProcessors()
    {
        const string status = "/proc/self/status", entry = "Cpus_allowed_list:";
        return !File.Exists(status) ? "" : File.ReadLines(status).FirstOrDefault(line => line.StartsWith(entry, StringComparison.Ordinal)) ?? "";
    }
}
