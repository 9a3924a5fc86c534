namespace OnnxVae.Format;

/// <summary>Reads regular files only: a pipe or a device has no length, and reading it might never end.</summary>
public static class RegularFile
{
    /// <summary>The length of a file, or of the target of a link.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is a pipe, a device or empty, or a link that leads nowhere.</exception>
    public static long Length(string path)
    {
        var file = new FileInfo(path);
        if (file.LinkTarget is not null)
        {
            file = file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true } target ? target : throw new InvalidDataException($"'{path}' is a broken link.");
        }

        return file is not { Exists: true } ? throw new FileNotFoundException($"There is no file '{path}'.")
            : file.Length > 0 ? file.Length
            : throw new InvalidDataException($"'{path}' is empty, or not a regular file.");
    }

    /// <summary>Opens a file.</summary>
    /// <inheritdoc cref="Length"/>
    public static FileStream Open(string path)
    {
        _ = Length(path);
        return File.OpenRead(path);
    }

    /// <summary>Reads a text file.</summary>
    /// <inheritdoc cref="Length"/>
    public static string ReadText(string path)
    {
        using var reader = new StreamReader(Open(path));
        return reader.ReadToEnd();
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="most">The largest number of bytes it may have.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is longer, or not a regular file.</exception>
    public static byte[] Read(string path, long most = int.MaxValue) => Length(path) is var length && length > most
        ? throw new InvalidDataException($"'{path}' has {length} bytes; at most {most} are read.")
        : File.ReadAllBytes(path);

    /// <summary>Reads the next bytes of a stream, allocating for what is really there, whatever a header has promised.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="length">How many bytes are expected.</param>
    /// <returns>The bytes; fewer if the stream ends early.</returns>
    public static byte[] ReadUpTo(Stream stream, long length)
    {
        const int chunk = 1 << 24;
        var bytes = new byte[(int)Math.Min(length, chunk)];
        int read = 0;
        while (true)
        {
            int count = stream.ReadAtLeast(bytes.AsSpan(read), bytes.Length - read, throwOnEndOfStream: false);
            read += count;
            if (read < bytes.Length || read == length)
            {
                Array.Resize(ref bytes, read);
                return bytes;
            }

            Array.Resize(ref bytes, (int)Math.Min(length, Math.Min(2L * bytes.Length, Array.MaxLength)));
        }
    }
}
