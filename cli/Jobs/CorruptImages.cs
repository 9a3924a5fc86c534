using System.Collections.Concurrent;
using System.Globalization;
using OnnxVae.Exporters;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Jobs;

/// <summary>
/// Reads a job's images, and lists those that cannot be read: a line each with number, name and reason, separated by tabs. A job that
/// continues knows them.
/// </summary>
internal sealed class CorruptImages
{
    private readonly string file;
    private readonly bool skip;
    private readonly ConcurrentDictionary<long, string> lines = [];

    /// <param name="file">The list.</param>
    /// <param name="skip">Whether to leave such images out; otherwise the first one stops the job.</param>
    public CorruptImages(string file, bool skip)
    {
        (this.file, this.skip) = (file, skip);
        foreach (string line in File.Exists(file) ? File.ReadAllLines(file) : [])
        {
            if (long.TryParse(line.Split('\t')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                lines[number] = line;
            }
        }
    }

    public int Count => lines.Count;

    /// <summary>Whether an image could not be read.</summary>
    public bool Contains(long number) => lines.ContainsKey(number);

    /// <summary>Reads images; those that are left out are black.</summary>
    public void Read(ImageSource source, long first, Span<float> images)
    {
        Span<byte> pixels = new byte[source.ImageSize];
        for (int i = 0; i < images.Length / source.ImageSize; i++)
        {
            try
            {
                source.Read(first + i, pixels);
            }
            catch (InvalidDataException e)
            {
                Add(first + i, source.NameOf(first + i), e);
                pixels.Clear();
            }

            Pixels.ToFloat(pixels, images.Slice(i * source.ImageSize, source.ImageSize));
        }
    }

    /// <summary>Puts the list in order.</summary>
    public void Finish()
    {
        if (!lines.IsEmpty)
        {
            AtomicFile.WriteText(file, string.Concat(lines.OrderBy(line => line.Key).Select(line => $"{line.Value}\n")));
        }
    }

    private void Add(long number, string name, InvalidDataException reason)
    {
        if (!skip)
        {
            throw reason; // not listed: it may be mended before the job goes on
        }

        if (!lines.TryAdd(number, string.Create(CultureInfo.InvariantCulture, $"{number}\t{name}\t{reason.Message}")))
        {
            return;
        }

        lock (lines)
        {
            File.AppendAllText(file, $"{lines[number]}\n");
        }
    }
}
