namespace OnnxVae.Format;

/// <summary>Writes files completely or not at all, even after a crash or on a full disk.</summary>
public static class AtomicFile
{
    /// <summary>The extension of files that are being written; ones that a crash left behind can be deleted.</summary>
    public const string TemporaryExtension = ".tmp";

    /// <summary>Writes to a temporary name next to the file, flushes to the disk, and renames.</summary>
    /// <param name="path">The final name; missing folders are created, an existing file is replaced.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">The file cannot be written; the previous content is intact.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}{TemporaryExtension}";
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
        }

        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Deletes what crashed attempts to write a file left behind; nobody else may be writing it.</summary>
    public static void DeleteTemporaries(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (Directory.Exists(folder))
        {
            foreach (string temporary in Directory.EnumerateFiles(folder, $"{Path.GetFileName(path)}.*{TemporaryExtension}"))
            {
                File.Delete(temporary);
            }
        }
    }

    /// <summary>Writes a text file as UTF-8.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
