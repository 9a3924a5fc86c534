using System.Formats.Tar;
using System.IO.Compression;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>The image files of a folder or an archive, and what else was found there.</summary>
/// <param name="Files">The image files, including those that cannot be read.</param>
/// <param name="PassedOver">What is not part of the data.</param>
internal sealed record ImageListing(List<EncodedImage> Files, PassedOver PassedOver)
{
    private const string MacArchiveFolder = "__MACOSX"; // what macOS adds to archives

    private static readonly string[] TarExtensions = [".tar", ".tar.gz", ".tgz"];

    /// <summary>Whether a path names a tar, judging by its extension.</summary>
    public static bool IsTar(string path) => TarExtensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a path names a zip, judging by its extension.</summary>
    public static bool IsZip(string path) => path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase);

    /// <summary>Lists a folder and everything below it. Links to folders are not followed: they may form cycles.</summary>
    public static ImageListing OfFolder(string folder)
    {
        var listing = new ImageListing([], new PassedOver());
        listing.AddFolder(folder, "");
        return listing;
    }

    /// <summary>Lists a tar; the files of a gzipped one are held in memory, still encoded.</summary>
    /// <exception cref="InvalidDataException">It is not a valid tar.</exception>
    public static ImageListing OfTar(string path)
    {
        var listing = new ImageListing([], new PassedOver());
        var contents = new Dictionary<string, Func<byte[]>>(StringComparer.Ordinal); // for links
        using var file = RegularFile.Open(path);
        using var content = GzipContent.Of(file);
        try
        {
            using var guarded = new GuardedTar(content);
            using var tar = new TarReader(guarded);
            while (tar.GetNextEntry() is { } entry)
            {
                listing.AddEntry(entry, contents, () => ReferenceEquals(content, file) ? ReaderAt(path, entry.DataOffset, entry.Length) : ReaderOf(entry));
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"'{path}' is not a valid tar file, or is truncated: fetch it again.", e);
        }

        return listing;
    }

    /// <summary>Lists a zip, which stays open as long as its images are in use.</summary>
    /// <exception cref="InvalidDataException">It is not a valid zip.</exception>
    public static ImageListing OfZip(string path)
    {
        var listing = new ImageListing([], new PassedOver());
        var file = RegularFile.Open(path);
        try
        {
            var archive = new ZipArchive(file, ZipArchiveMode.Read);
            foreach (var entry in archive.Entries.Where(entry => !entry.FullName.EndsWith('/')))
            {
                listing.Add(entry.FullName.Replace('\\', '/'), () => ReaderOf(archive, entry));
            }
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{path}' is not a valid zip file, or is truncated: fetch it again.", e);
        }

        return listing;
    }

    private void AddFolder(string folder, string prefix)
    {
        FileSystemInfo[] entries;
        try
        {
            entries = [.. new DirectoryInfo(folder).EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false })];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Files.Add(EncodedImage.Unreadable($"{prefix}*", e.Message));
            return;
        }

        foreach (var entry in entries)
        {
            string name = prefix + entry.Name;
            if (entry is not DirectoryInfo)
            {
                Add(name, () => EncodedImage.OfFile(name, entry.FullName).ReadBytes);
            }
            else if (entry.LinkTarget is not null)
            {
                PassedOver.Add("linked folder");
            }
            else if (IsHidden(entry.Name))
            {
                PassedOver.Add("hidden folder");
            }
            else
            {
                AddFolder(entry.FullName, $"{name}/");
            }
        }
    }

    private void Add(string name, Func<Func<byte[]>> reader)
    {
        if (name.Split('/').Any(IsHidden))
        {
            PassedOver.Add("hidden file");
        }
        else if (!EncodedImage.IsNamedLikeOne(name))
        {
            PassedOver.AddFile(name);
        }
        else
        {
            Files.Add(new EncodedImage(name, reader()));
        }
    }

    private void AddEntry(TarEntry entry, Dictionary<string, Func<byte[]>> contents, Func<Func<byte[]>> reader)
    {
        switch (entry.EntryType)
        {
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile when entry.DataStream is not null:
                Func<byte[]>? read = null;
                Add(entry.Name, () => contents[entry.Name] = read ??= reader());
                break;
            case TarEntryType.HardLink or TarEntryType.SymbolicLink:
                string target = TargetOf(entry);
                Add(entry.Name, () => contents.TryGetValue(target, out var linked)
                    ? contents[entry.Name] = linked
                    : EncodedImage.Unreadable(entry.Name, $"it is a link to '{entry.LinkName}', which does not come before it in the archive").ReadBytes);
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile:
                Add(entry.Name, () => EncodedImage.Unreadable(entry.Name, "it is empty").ReadBytes);
                break;
            case TarEntryType.CharacterDevice or TarEntryType.BlockDevice or TarEntryType.Fifo:
                PassedOver.Add("special file", "a pipe or a device");
                break;
        }
    }

    // The targets of hard links are names in the archive; those of symbolic links are relative to the link's folder.
    private static string TargetOf(TarEntry entry)
    {
        if (entry.EntryType == TarEntryType.HardLink)
        {
            return entry.LinkName;
        }

        string start = entry.Name.StartsWith("./", StringComparison.Ordinal) ? "./" : "";
        var folders = new List<string>();
        foreach (string part in $"{entry.Name}/../{entry.LinkName}".Split('/').Where(part => part is not ("" or ".")))
        {
            if (part != "..")
            {
                folders.Add(part);
            }
            else if (folders.Count > 0)
            {
                folders.RemoveAt(folders.Count - 1);
            }
        }

        return start + string.Join('/', folders);
    }

    private static bool IsHidden(string name) => (name.StartsWith('.') && name is not ("." or "..")) || name == MacArchiveFolder;

    private static Func<byte[]> ReaderAt(string path, long offset, long length) => () =>
    {
        using var file = File.OpenHandle(path);
        byte[] bytes = new byte[Limited(length)];
        return RandomAccess.Read(file, bytes, offset) == length ? bytes : throw new EndOfStreamException($"'{path}' became shorter while it was read.");
    };

    private static Func<byte[]> ReaderOf(TarEntry entry)
    {
        byte[] bytes = RegularFile.ReadUpTo(entry.DataStream!, Limited(entry.Length));
        return bytes.Length == entry.Length ? () => bytes : throw new EndOfStreamException();
    }

    // An archive is read by one thread at a time.
    private static Func<byte[]> ReaderOf(ZipArchive archive, ZipArchiveEntry entry) => () =>
    {
        lock (archive)
        {
            using var content = entry.Open();
            return RegularFile.ReadUpTo(content, Limited(entry.Length));
        }
    };

    private static int Limited(long length) => length <= EncodedImage.LargestFile ? (int)length : throw new IOException(
        $"it has {length} bytes; at most {EncodedImage.LargestFile} are read");
}
