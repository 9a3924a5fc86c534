using System.Globalization;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>
/// One file per image, named after the image that it was made from, or else numbered, in subfolders of 10,000 if there are more. Shards
/// share the folder.
/// </summary>
internal sealed class ImageFolder : ImageOutput
{
    private const long FilesPerFolder = 10_000;

    private readonly string folder;
    private readonly OutputImages images;
    private readonly CorruptImages? corrupt;
    private volatile string? lastFolder;

    public ImageFolder(string folder, OutputImages images, CorruptImages? corrupt)
    {
        (this.folder, this.images, this.corrupt) = (folder, images, corrupt);
        Directory.CreateDirectory(folder);
        Missing = FindMissing();
    }

    public override IReadOnlyList<ImageRange> Missing { get; }

    public override JobStep Prepare(long first, ReadOnlySpan<float> images)
    {
        (long, byte[])[] files = [.. this.images.Encode(first, OutputImages.ToBytes(images), corrupt)];
        var written = Task.Run(() => Array.ForEach(files, Write)); // disks are slow: the next images are computed meanwhile
        return new JobStep(images.Length / this.images.Size, written.GetAwaiter().GetResult);
    }

    // Renamed when complete, but not flushed to disk: for a million files that would take hours. A crash of the machine may
    // leave files of length 0, which count as missing.
    private void Write((long Number, byte[] Content) file)
    {
        string path = PathOf(file.Number), temporary = $"{path}{AtomicFile.TemporaryExtension}", below = Path.GetDirectoryName(path)!;
        if (below != lastFolder)
        {
            Directory.CreateDirectory(below);
            lastFolder = below;
        }

        File.WriteAllBytes(temporary, file.Content);
        File.Move(temporary, path, overwrite: true);
    }

    private string PathOf(long number) => images.Names is { } names ? Path.Combine(folder, names.FileOf(number))
        : images.Total <= FilesPerFolder
        ? Path.Combine(folder, images.Format.FileOf(number))
        : Path.Combine(folder, (number / FilesPerFolder).ToString("D6", CultureInfo.InvariantCulture), images.Format.FileOf(number));

    private List<ImageRange> FindMissing()
    {
        var missing = new List<ImageRange>();
        for (long number = images.Range.First; number < images.Range.End; number++)
        {
            if (images.Names is null && !Directory.Exists(Path.GetDirectoryName(PathOf(number))))
            {
                long end = Math.Min(images.Range.End, number + FilesPerFolder - (number % FilesPerFolder)); // the whole folder is missing
                Add(missing, new ImageRange(number, end));
                number = end - 1;
                continue;
            }

            if (corrupt?.Contains(number) == true || new FileInfo(PathOf(number)) is { Exists: true, Length: > 0 })
            {
                continue;
            }

            Add(missing, new ImageRange(number, number + 1));
        }

        return missing;
    }

    private static void Add(List<ImageRange> ranges, ImageRange next)
    {
        if (ranges is [.., var last] && last.End == next.First)
        {
            ranges[^1] = last with { End = next.End };
        }
        else
        {
            ranges.Add(next);
        }
    }
}
