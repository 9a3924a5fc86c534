using Microsoft.Win32.SafeHandles;

namespace OnnxVae.Training.Data;

/// <summary>A <c>.npy</c> file to which rows are appended; its header is valid at every moment, even after a crash.</summary>
public sealed class GrowingNpy : IDisposable
{
    private readonly string dataType;
    private readonly long[] rowShape;
    private readonly int headerSize;
    private readonly SafeFileHandle file;
    private long end;

    /// <summary>Opens or creates a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="dataType">NumPy's type string, <c>|u1</c> or <c>&lt;f4</c>.</param>
    /// <param name="rowShape">The shape of a row.</param>
    /// <param name="rows">Rows that exist already; anything after them is discarded.</param>
    /// <exception cref="InvalidDataException">There are fewer rows.</exception>
    public GrowingNpy(string path, string dataType, long[] rowShape, long rows)
    {
        (this.dataType, this.rowShape, Rows) = (dataType, rowShape, rows);
        RowSize = rowShape.Aggregate(dataType[^1] - '0', (size, length) => checked(size * (int)length));
        headerSize = Npy.Header(dataType, [long.MaxValue, .. rowShape]).Length;
        end = headerSize + (rows * RowSize);
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        if (RandomAccess.GetLength(file) < end && rows > 0)
        {
            file.Dispose();
            throw new InvalidDataException($"'{path}' is damaged: it should have {rows} rows. Delete it to start again.");
        }

        RandomAccess.SetLength(file, end);
        WriteHeader();
    }

    /// <summary>Rows that the header counts.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes in a row.</summary>
    public int RowSize { get; }

    /// <summary>Rows appended so far, whether or not the header counts them yet.</summary>
    public long Appended => (end - headerSize) / RowSize;

    /// <summary>Appends rows; the header counts them from the next flush on.</summary>
    public void Append(ReadOnlySpan<byte> rows)
    {
        RandomAccess.Write(file, rows, end);
        end += rows.Length;
    }

    /// <summary>Writes rows to disk: first the rows, then the header that counts them. More may be appended meanwhile.</summary>
    /// <param name="rows">How many, from the first on.</param>
    public void Flush(long rows)
    {
        RandomAccess.FlushToDisk(file);
        Rows = rows;
        WriteHeader();
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Reads existing rows.</summary>
    /// <param name="first">The number of the first row.</param>
    /// <param name="rows">Receives them; whole rows.</param>
    public void Read(long first, Span<byte> rows)
    {
        long position = headerSize + (first * RowSize);
        while (!rows.IsEmpty)
        {
            int count = RandomAccess.Read(file, rows, position);
            if (count == 0)
            {
                throw new EndOfStreamException($"There are only {Rows} rows.");
            }

            rows = rows[count..];
            position += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private void WriteHeader() => RandomAccess.Write(file, Npy.Header(dataType, [Rows, .. rowShape], headerSize), 0);
}
