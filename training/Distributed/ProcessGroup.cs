using System.Text;

namespace OnnxVae.Training.Distributed;

/// <summary>
/// Processes that train one model together; each computes a part of every batch. All of them call the same methods in the same order, one at a time; each call waits for
/// the others.
/// </summary>
public abstract class ProcessGroup : IDisposable
{
    /// <summary>A process by itself.</summary>
    public static ProcessGroup Single { get; } = new SingleProcess();

    /// <summary>The number of this process, from 0. The first one reads and writes the run's folder.</summary>
    public abstract int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public abstract int Size { get; }

    /// <summary>Adds up the numbers of all processes; all get the same sums.</summary>
    /// <param name="values">This process's numbers, replaced by the sums.</param>
    public abstract void Sum(Span<float> values);

    /// <summary>Gives the bytes of one process to all. Those that wait do not occupy a processor meanwhile.</summary>
    /// <param name="bytes">The bytes, or room for them.</param>
    /// <param name="from">The process that has them.</param>
    public abstract void Broadcast(Span<byte> bytes, int from = 0);

    /// <summary>Ends all processes at once.</summary>
    /// <param name="exitCode">Their exit code.</param>
    public abstract void Abort(int exitCode);

    /// <summary>Gives the text of one process to all.</summary>
    /// <param name="text">The text; ignored in the others.</param>
    /// <param name="from">The process that has it.</param>
    /// <returns>Its text.</returns>
    public string Broadcast(string text, int from = 0)
    {
        byte[] bytes = Rank == from ? Encoding.UTF8.GetBytes(text) : [];
        int length = BroadcastNumber(bytes.Length, from);
        bytes = Rank == from ? bytes : new byte[length];
        Broadcast(bytes.AsSpan(), from);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Collects a text from each process.</summary>
    /// <param name="text">This process's text.</param>
    /// <returns>The texts of all, by rank.</returns>
    public IReadOnlyList<string> Gather(string text) => [.. Enumerable.Range(0, Size).Select(rank => Broadcast(text, rank))];

    /// <summary>Gives a number of one process to all.</summary>
    internal int BroadcastNumber(int number, int from = 0)
    {
        byte[] bytes = BitConverter.GetBytes(number);
        Broadcast(bytes, from);
        return BitConverter.ToInt32(bytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Leaves the group.</summary>
    /// <param name="isDisposing">Whether it is disposed, not finalized.</param>
    protected virtual void Dispose(bool isDisposing)
    {
    }

    private sealed class SingleProcess : ProcessGroup
    {
        public override int Rank => 0;

        public override int Size => 1;

        public override void Sum(Span<float> values)
        {
        }

        public override void Broadcast(Span<byte> bytes, int from = 0)
        {
        }

        public override void Abort(int exitCode) => Environment.Exit(exitCode);
    }
}
