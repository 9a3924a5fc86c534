namespace OnnxVae.Format;

/// <summary>Restricts access to a folder's content to one process at a time; released when disposed, or when its process ends.</summary>
public sealed class FileLock : IDisposable
{
    private const int MostAttempts = 1000;

    private readonly FileStream held;

    private FileLock(FileStream held) => this.held = held;

    /// <summary>Takes a lock.</summary>
    /// <param name="file">The lock's file.</param>
    /// <returns>The lock; null if another process holds it.</returns>
    /// <exception cref="IOException">The file cannot be created, or is a link.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public static FileLock? TryTake(string file)
    {
        if (new FileInfo(file).LinkTarget is not null)
        {
            throw new IOException($"'{file}' is a link, but a lock is a file of its own: delete the link.");
        }

        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            FileStream held;
            try
            {
                held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
            }
            catch (IOException e) when (IsHeldByAnother(e))
            {
                return null;
            }

            if (OperatingSystem.IsWindows() || IsStillThere(held))
            {
                return new FileLock(held);
            }

            held.Dispose();
        }

        throw new IOException($"'{file}' cannot be locked: others delete it again and again, or its file system does not keep the times of files.");
    }

    /// <summary>Releases the lock and removes its file.</summary>
    public void Dispose()
    {
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(held.Name); // while no other process can hold it
        }

        held.Dispose();
    }

    // Between opening a file and locking it, its previous holder may have deleted it: others would then lock another file of that name. A timestamp
    // that nobody else would set tells whether this is still the file of that name; even seconds, which every file system keeps.
    private static bool IsStillThere(FileStream held)
    {
        var time = new DateTime(1981, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(2 * Random.Shared.NextInt64(1 << 28));
        File.SetLastWriteTimeUtc(held.SafeFileHandle, time);
        return File.GetLastWriteTimeUtc(held.Name) == time;
    }

    // EWOULDBLOCK on Linux and on macOS, ERROR_SHARING_VIOLATION on Windows.
    private static bool IsHeldByAnother(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;
}
