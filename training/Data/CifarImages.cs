using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>CIFAR-10 in its authors' binary version: records of a label and UInt8 [3, 32, 32].</summary>
/// <remarks>Krizhevsky 2009, Learning multiple layers of features from tiny images.</remarks>
internal sealed class CifarImages : ImageSource
{
    /// <summary>The name of its archive.</summary>
    public const string Archive = "cifar-10-binary.tar.gz";

    private const string TestFile = "test_batch.bin", NamesFile = "batches.meta.txt", TrainingFiles = "data_batch_";
    private const int Side = 32, RecordLength = 1 + (3 * Side * Side);

    private readonly byte[] records;

    private CifarImages(byte[] records, IReadOnlyList<string> classes) => (this.records, Classes) = (records, classes);

    /// <inheritdoc/>
    public override long Count => records.Length / RecordLength;

    /// <inheritdoc/>
    public override ExampleShape Shape { get; } = new(3, Side, Side);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public override int LabelOf(long index) => records[index * RecordLength];

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels) => records.AsSpan((int)(index * RecordLength) + 1, RecordLength - 1).CopyTo(pixels);

    /// <summary>Opens the archive.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or another one.</exception>
    public static ImageData Open(string path)
    {
        try
        {
            var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
            using var file = RegularFile.Open(path);
            using var content = new GZipStream(file, CompressionMode.Decompress);
            using var tar = new TarReader(content);
            while (tar.GetNextEntry() is { } entry)
            {
                if (entry.DataStream is { } data)
                {
                    files[Path.GetFileName(entry.Name)] = RegularFile.ReadUpTo(data, (int)Math.Min(entry.Length, Array.MaxLength));
                }
            }

            string[] classes = Encoding.UTF8.GetString(files.GetValueOrDefault(NamesFile) ?? []).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            byte[] train = [.. files.Where(entry => entry.Key.StartsWith(TrainingFiles, StringComparison.Ordinal)).SelectMany(entry => entry.Value)], test = files.GetValueOrDefault(TestFile) ?? [];
            bool isValid = train.Length > 0 && test.Length > 0 && (train.Length + test.Length) % RecordLength == 0 && test.Length % RecordLength == 0
                && ((byte[][])[train, test]).All(records => Enumerable.Range(0, records.Length / RecordLength).All(i => records[i * RecordLength] < classes.Length));
            return isValid ? ImageData.FromSplits(new CifarImages(train, classes), validation: null, new CifarImages(test, classes)) : throw Damaged(path, null);
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException || (e is InvalidDataException && e.Source != typeof(CifarImages).Assembly.GetName().Name))
        {
            throw Damaged(path, e);
        }
    }

    private static InvalidDataException Damaged(string path, Exception? cause) => new($"'{path}' is not the binary version of CIFAR-10, or is damaged: delete it to have it fetched again.", cause);
}
