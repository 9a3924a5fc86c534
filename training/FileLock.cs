namespace OnnxVae.Training;

/// <summary>Keeps what a folder holds to one process at a time; released when it is disposed, or when its process ends.</summary>
public sealed class FileLock : IDisposable
{
    private readonly FileStream held;

    private FileLock(FileStream held) => this.held = held;

    /// <summary>Takes a lock.</summary>
    /// <param name="file">The lock's file.</param>
    /// <returns>The lock; null where another process has it.</returns>
    /// <exception cref="IOException">The file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static FileLock? TryTake(string file)
    {
        while (true)
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
    }

    /// <summary>Releases the lock and removes its file.</summary>
    public void Dispose()
    {
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(held.Name); // while nobody else can have it
        }

        held.Dispose();
    }

    // Between opening a file and locking it, the one who had the lock may have deleted it: then others would lock another file of that name. A
    // time that nobody else would set tells whether the file of that name is this one.
    private static bool IsStillThere(FileStream held)
    {
        var time = DateTime.UnixEpoch.AddTicks(Random.Shared.NextInt64(TimeSpan.FromDays(365).Ticks));
        File.SetLastWriteTimeUtc(held.SafeFileHandle, time);
        return File.GetLastWriteTimeUtc(held.Name) == time;
    }

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows.
    private static bool IsHeldByAnother(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;
}
