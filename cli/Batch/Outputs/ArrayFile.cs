using System.Diagnostics;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>
/// Rows of numbers in a .npy under a temporary name, with the images' names in a file next to it if requested, until the job is
/// complete. Progress on disk is recorded every second; a job that was killed resumes from there.
/// </summary>
internal sealed class ArrayFile : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly string path;
    private readonly ImageRange range;
    private readonly CorruptImages? corrupt;
    private readonly TimeSpan flushInterval;
    private readonly GrowingNpy? array;
    private readonly FileStream? names;
    private readonly SafeFileHandle? namesHandle; // obtained once: asking a stream for it flushes its buffer, which another thread may be filling
    private readonly Stopwatch sinceFlush = Stopwatch.StartNew();
    private long next;
    private Task flush = Task.CompletedTask;

    /// <param name="path">The final name.</param>
    /// <param name="dataType">NumPy's type string.</param>
    /// <param name="rowShape">The shape of a row.</param>
    /// <param name="range">The numbers of the images that the rows belong to.</param>
    /// <param name="hasNames">Whether there are names.</param>
    /// <param name="flushInterval">The time between two records; one second if omitted.</param>
    /// <param name="corrupt">The images that have no row; null if all have one.</param>
    public ArrayFile(string path, string dataType, long[] rowShape, ImageRange range, bool hasNames, TimeSpan? flushInterval = null, CorruptImages? corrupt = null)
    {
        (this.path, this.range, this.corrupt, this.flushInterval) = (path, range, corrupt, flushInterval ?? Second);
        next = range.End;
        if (File.Exists(path))
        {
            DropPartials(); // killed at the very end
            return;
        }

        AtomicFile.DeleteTemporaries(ProgressPath);
        AtomicFile.DeleteTemporaries(path);
        var progress = ReadProgress() ?? new Progress(range.First, 0, 0);
        next = progress.Next;
        array = new GrowingNpy(PartialPath, dataType, rowShape, progress.Rows);
        if (hasNames)
        {
            if (File.Exists(NamesPath))
            {
                File.Move(NamesPath, PartialNamesPath, overwrite: true); // killed between the last two renames
            }

            names = new FileStream(PartialNamesPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            names.SetLength(progress.NamesLength);
            names.Seek(0, SeekOrigin.End);
            namesHandle = names.SafeFileHandle;
        }

        Missing = progress.Next < range.End ? [range with { First = progress.Next }] : [];
    }

    /// <summary>The images whose rows have not been written yet.</summary>
    public IReadOnlyList<ImageRange> Missing { get; } = [];

    /// <summary>Whether the file has its final name already.</summary>
    public bool IsFinished => array is null;

    private string PartialPath => $"{path}.partial";

    private string PartialNamesPath => $"{path}.names.partial";

    private string NamesPath => $"{path}.names.txt";

    private string ProgressPath => $"{path}.progress.json";

    /// <summary>Appends the rows of a block of images.</summary>
    /// <param name="rows">The rows; skipped images have none.</param>
    /// <param name="names">One line per row.</param>
    /// <param name="end">The number of the image after the last one.</param>
    public void Append(ReadOnlySpan<byte> rows, ReadOnlySpan<byte> names, long end)
    {
        array!.Append(rows);
        this.names?.Write(names);
        next = end;
        if (sinceFlush.Elapsed > flushInterval && flush.IsCompleted)
        {
            Flush();
        }
    }

    /// <summary>A name in one line.</summary>
    public static string OneLine(string name) => name.ReplaceLineEndings(" ").Replace('\t', ' ');

    /// <summary>Renames the rows and their names to their final names.</summary>
    public void Finish()
    {
        RequireAllRows();
        FlushAndWait();
        Dispose();
        if (names is not null)
        {
            File.Move(PartialNamesPath, NamesPath, overwrite: true);
        }

        File.Move(PartialPath, path);
        DropPartials();
    }

    /// <summary>Converts the rows and their names to another file format, then deletes them.</summary>
    /// <param name="write">Takes the rows, the names if there are any, and the target stream.</param>
    public void FinishAs(Action<GrowingNpy, IEnumerable<string>, Stream> write)
    {
        RequireAllRows();
        FlushAndWait();
        names?.Dispose();
        AtomicFile.Write(path, stream => write(array!, names is null ? [] : File.ReadLines(PartialNamesPath), stream));
        Dispose();
        DropPartials();
    }

    public void Dispose()
    {
        Task.WhenAny(flush).GetAwaiter().GetResult(); // even if it failed
        names?.Dispose();
        array?.Dispose();
    }

    private void DropPartials()
    {
        File.Delete(PartialPath);
        File.Delete(PartialNamesPath);
        File.Delete(ProgressPath);
    }

    private long RowsUpTo(long end) => end - range.First - (corrupt?.CountIn(range with { End = end }) ?? 0);

    private void RequireAllRows()
    {
        if (array!.Appended != RowsUpTo(range.End))
        {
            throw new InvalidDataException($"'{PartialPath}' has {array.Appended} rows; expected {RowsUpTo(range.End)}: delete it and '{ProgressPath}' to start over.");
        }
    }

    private Progress? ReadProgress()
    {
        if (!File.Exists(ProgressPath))
        {
            return null;
        }

        Progress? progress;
        try
        {
            progress = JsonSerializer.Deserialize<Progress>(RegularFile.ReadText(ProgressPath));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{ProgressPath}' is damaged: delete it to start over.", e);
        }

        return progress is { NamesLength: >= 0 } && progress.Next >= range.First && progress.Next <= range.End && progress.Rows == RowsUpTo(progress.Next)
            && IsThere(PartialPath, progress.Rows) && (IsThere(PartialNamesPath, progress.NamesLength) || IsThere(NamesPath, progress.NamesLength))
            ? progress
            : throw new InvalidDataException($"'{ProgressPath}' does not match the files next to it: delete it to start over.");

        static bool IsThere(string file, long atLeast) => atLeast == 0 || (new FileInfo(file) is { Exists: true } info && info.Length >= atLeast);
    }

    // In the background, since disks are slow. The order matters: the record only counts what is already on disk.
    private void Flush()
    {
        flush.GetAwaiter().GetResult();
        names?.Flush();
        var progress = new Progress(next, array!.Appended, names?.Length ?? 0);
        flush = Task.Run(() =>
        {
            array.Flush(progress.Rows);
            if (namesHandle is not null)
            {
                RandomAccess.FlushToDisk(namesHandle);
            }

            AtomicFile.WriteText(ProgressPath, JsonSerializer.Serialize(progress));
        });
        sinceFlush.Restart();
    }

    private void FlushAndWait()
    {
        Flush();
        flush.GetAwaiter().GetResult();
    }

    private sealed record Progress(long Next, long Rows, long NamesLength);
}
