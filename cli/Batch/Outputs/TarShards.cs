using System.Formats.Tar;
using System.Globalization;
using System.Text;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>
/// Numbered .tar files in the WebDataset layout, <c>NAME-000000.tar</c> and so on, with the same number of images each, however many shards
/// the job has. A file under its final name is complete.
/// </summary>
internal sealed class TarShards : ImageOutput
{
    /// <summary>Images per file.</summary>
    public const long ImagesPerFile = 8192;

    private const string NameExtension = ".txt"; // next to an image that was made from a named one

    private readonly string path;
    private readonly OutputImages images;
    private readonly CorruptImages? corrupt;
    private Part? open;

    public TarShards(string path, OutputImages images, CorruptImages? corrupt)
    {
        (this.path, this.images, this.corrupt) = (path, images, corrupt);
        var missing = new List<ImageRange>();
        for (long first = images.Range.First; first < images.Range.End; first += ImagesPerFile)
        {
            if (!File.Exists(PathOf(first)))
            {
                missing.Add(new ImageRange(first, EndOf(first)));
            }
        }

        Missing = missing;
    }

    public override IReadOnlyList<ImageRange> Missing { get; }

    public override JobStep Prepare(long first, ReadOnlySpan<float> images)
    {
        (long Number, byte[] File)[] files = [.. this.images.Encode(first, OutputImages.ToBytes(images), corrupt)];
        int count = images.Length / this.images.Size;
        return new JobStep(count, () =>
        {
            open ??= new Part(PathOf(first));
            foreach (var (number, file) in files)
            {
                string name = this.images.Format.FileOf(number);
                open.Add(name, file);
                if (this.images.Names is { } names)
                {
                    open.Add(Path.ChangeExtension(name, NameExtension), Encoding.UTF8.GetBytes(names[number]));
                }
            }

            if (first + count == EndOf(first))
            {
                open.Finish();
                open = null;
            }
        });
    }

    public override void Dispose()
    {
        open?.Dispose();
        base.Dispose();
    }

    private long EndOf(long number) => Math.Min(images.Total, ((number / ImagesPerFile) + 1) * ImagesPerFile);

    private string PathOf(long number) => string.Create(
        CultureInfo.InvariantCulture, $"{path[..^JobPaths.TarExtension.Length]}-{number / ImagesPerFile:D6}{JobPaths.TarExtension}");

    private sealed class Part : IDisposable
    {
        private readonly string path;
        private readonly FileStream file;
        private readonly TarWriter tar;

        public Part(string path)
        {
            this.path = path;
            file = File.Create($"{path}{AtomicFile.TemporaryExtension}");
            tar = new TarWriter(file, TarEntryFormat.Ustar, leaveOpen: true);
        }

        public void Add(string name, byte[] content)
        {
            using var data = new MemoryStream(content);
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = data, ModificationTime = DateTimeOffset.UnixEpoch });
        }

        public void Finish()
        {
            tar.Dispose();
            file.Flush(flushToDisk: true);
            file.Dispose();
            File.Move(file.Name, path, overwrite: true);
        }

        public void Dispose()
        {
            try
            {
                tar.Dispose(); // writes, which fails on a full disk
            }
            finally
            {
                file.Dispose();
                File.Delete(file.Name);
            }
        }
    }
}
