using System.Runtime.InteropServices;
using System.Text;

namespace OnnxVae.Training.Distributed;

/// <summary>
/// The functions of an MPI library that are needed here, and its handles: addresses of exported symbols in Open MPI, integers in MPICH and those that share its
/// interface (Intel MPI, MVAPICH, Cray MPICH), and the numbers of MPI 5's common interface.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    private const int LongestText = 8192; // of MPI_Get_library_version, MPI 5.0

    private readonly nint library;
    private readonly delegate* unmanaged<int*, nint*, int, int*, int> initialize;
    private readonly delegate* unmanaged<int> finalize;
    private readonly delegate* unmanaged<nint, int*, int> rank, size;
    private readonly delegate* unmanaged<nint, nint, int> handleErrors;
    private readonly delegate* unmanaged<nint, void*, int, nint, nint, nint, int> sum;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, nint*, int> broadcast;
    private readonly delegate* unmanaged<nint, nint*, int> barrier;
    private readonly delegate* unmanaged<nint*, int*, nint, int> test;
    private readonly delegate* unmanaged<nint, int, int> abort;
    private readonly delegate* unmanaged<int, byte*, int*, int> describe;
    private readonly Handles handles;

    /// <summary>Loads a library.</summary>
    /// <param name="names">Its file, or names to try in order.</param>
    /// <exception cref="DllNotFoundException">None of them can be loaded.</exception>
    public MpiLibrary(params IReadOnlyList<string> names)
    {
        nint loaded = 0;
        Name = names.FirstOrDefault(name => NativeLibrary.TryLoad(name, out loaded))
            ?? throw new DllNotFoundException($"No MPI library can be loaded; tried {string.Join(", ", names)}: install Open MPI or MPICH, or name the library of yours.");
        library = loaded;
        Version = ReadVersion();
        handles = Path.GetFileName(Name).Contains("mpi_abi", StringComparison.Ordinal) ? Handles.OfMpi5 : Version.StartsWith("Open MPI", StringComparison.Ordinal) ? OfOpenMpi() : Handles.OfMpich;
        initialize = (delegate* unmanaged<int*, nint*, int, int*, int>)Find("MPI_Init_thread");
        finalize = (delegate* unmanaged<int>)Find("MPI_Finalize");
        rank = (delegate* unmanaged<nint, int*, int>)Find("MPI_Comm_rank");
        size = (delegate* unmanaged<nint, int*, int>)Find("MPI_Comm_size");
        handleErrors = (delegate* unmanaged<nint, nint, int>)Find("MPI_Comm_set_errhandler");
        sum = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)Find("MPI_Allreduce");
        broadcast = (delegate* unmanaged<void*, int, nint, int, nint, nint*, int>)Find("MPI_Ibcast");
        barrier = (delegate* unmanaged<nint, nint*, int>)Find("MPI_Ibarrier");
        test = (delegate* unmanaged<nint*, int*, nint, int>)Find("MPI_Test");
        abort = (delegate* unmanaged<nint, int, int>)Find("MPI_Abort");
        describe = (delegate* unmanaged<int, byte*, int*, int>)Find("MPI_Error_string");
    }

    /// <summary>The name that it was loaded by.</summary>
    public string Name { get; }

    /// <summary>What it says that it is.</summary>
    public string Version { get; }

    /// <summary>Starts MPI for calls from several threads, one at a time; from then on errors are returned.</summary>
    /// <returns>The rank of this process, and the number of processes.</returns>
    public (int Rank, int Size) Start()
    {
        int provided, own, all;
        Check(initialize(null, null, handles.Serialized, &provided));
        if (provided < handles.Serialized)
        {
            throw new InvalidOperationException($"{Name} does not allow calls from several threads: install a build of it that does (MPI_THREAD_SERIALIZED).");
        }

        Check(handleErrors(handles.World, handles.ReturnErrors));
        Check(rank(handles.World, &own));
        Check(size(handles.World, &all));
        return (own, all);
    }

    /// <summary>Ends MPI.</summary>
    public void Finish() => Check(finalize());

    /// <summary>Adds up the numbers of all processes, in place.</summary>
    public void Sum(Span<float> values)
    {
        fixed (float* data = values)
        {
            Check(sum(handles.InPlace, data, values.Length, handles.Float, handles.Sum, handles.World));
        }
    }

    /// <summary>Gives bytes of one process to all; calls an action again and again while it waits.</summary>
    public void Broadcast(Span<byte> bytes, int from, Action pause)
    {
        fixed (byte* data = bytes)
        {
            nint request = 0;
            Check(broadcast(data, bytes.Length, handles.Byte, from, handles.World, &request));
            Wait(&request, pause);
        }
    }

    /// <summary>Waits for all processes; calls an action again and again while it does.</summary>
    public void Meet(Action pause)
    {
        nint request = 0;
        Check(barrier(handles.World, &request));
        Wait(&request, pause);
    }

    /// <summary>Ends all processes.</summary>
    public void Abort(int exitCode) => _ = abort(handles.World, exitCode);

    private void Wait(nint* request, Action pause)
    {
        int isDone = 0;
        for (Check(test(request, &isDone, handles.IgnoreStatus)); isDone == 0; Check(test(request, &isDone, handles.IgnoreStatus)))
        {
            pause();
        }
    }

    private void Check(int error)
    {
        if (error != 0)
        {
            Span<byte> text = stackalloc byte[LongestText];
            int length = 0;
            fixed (byte* data = text)
            {
                _ = describe(error, data, &length);
            }

            throw new InvalidOperationException($"MPI failed: {Encoding.UTF8.GetString(text[..Math.Clamp(length, 0, LongestText)])} ({Name}).");
        }
    }

    private string ReadVersion()
    {
        var version = (delegate* unmanaged<byte*, int*, int>)Find("MPI_Get_library_version");
        Span<byte> text = stackalloc byte[LongestText];
        int length = 0;
        fixed (byte* data = text)
        {
            _ = version(data, &length);
        }

        return Encoding.UTF8.GetString(text[..Math.Clamp(length, 0, LongestText)]).Split('\n')[0].TrimEnd('\0', ' ', '\r').Replace('\t', ' ');
    }

    private nint Find(string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address
        : throw new DllNotFoundException($"'{Name}' is not an MPI library that can be used: it has no {name}. Name another library.");

    private Handles OfOpenMpi() => new(
        World: Find("ompi_mpi_comm_world"), Float: Find("ompi_mpi_float"), Byte: Find("ompi_mpi_byte"), Sum: Find("ompi_mpi_op_sum"), ReturnErrors: Find("ompi_mpi_errors_return"),
        InPlace: 1, IgnoreStatus: 0, Serialized: 2);

    // Handles that are integers of 32 bits are passed in registers of 64, whose upper half is ignored.
    private sealed record Handles(nint World, nint Float, nint Byte, nint Sum, nint ReturnErrors, nint InPlace, nint IgnoreStatus, int Serialized)
    {
        // mpi.h of MPICH 3 and 4.
        public static Handles OfMpich { get; } = new(
            World: 0x44000000, Float: 0x4c00040a, Byte: 0x4c00010d, Sum: 0x58000003, ReturnErrors: 0x54000001, InPlace: -1, IgnoreStatus: 1, Serialized: 2);

        // MPI 5.0, chapter 20.
        public static Handles OfMpi5 { get; } = new(
            World: 0x101, Float: 0x210, Byte: 0x247, Sum: 0x21, ReturnErrors: 0x143, InPlace: 1, IgnoreStatus: 0, Serialized: 2048);
    }
}
