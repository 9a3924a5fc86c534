using System.Collections.Concurrent;
using System.Globalization;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch;

/// <summary>
/// Reads a job's images and lists those that cannot be read, one per line: number, name and reason, separated by tabs. A resumed job
/// reads the list of its previous runs.
/// </summary>
internal sealed class CorruptImages
{
    private readonly string file;
    private readonly bool skip;
    private int countNow;
    private readonly ConcurrentDictionary<long, string> lines = [];

    /// <param name="file">The list.</param>
    /// <param name="skip">Whether to skip such images; otherwise the first one stops the job.</param>
    public CorruptImages(string file, bool skip)
    {
        (this.file, this.skip) = (file, skip);
        AtomicFile.DeleteTemporaries(file);
        string text = File.Exists(file) ? File.ReadAllText(file) : "";
        foreach (string line in text.Split('\n'))
        {
            if (line.Split('\t') is [var number, _, _] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long image))
            {
                lines[image] = line;
            }
        }

        if (text.Length > 0 && text[^1] != '\n')
        {
            Finish(); // killed while writing a line
        }
    }

    /// <summary>The number of unreadable images, including those of previous runs.</summary>
    public int Count => lines.Count;

    /// <summary>The number found in this run.</summary>
    public int CountNow => countNow;

    /// <summary>The number of unreadable images in a range.</summary>
    public int CountIn(ImageRange range) => lines.Keys.Count(number => number >= range.First && number < range.End);

    /// <summary>Whether an image could not be read.</summary>
    public bool Contains(long number) => lines.ContainsKey(number);

    /// <summary>Reads images; skipped ones are black.</summary>
    public void Read(ImageSource source, long first, Span<float> images)
    {
        for (int i = 0; i < images.Length / source.ImageSize; i++)
        {
            var image = images.Slice(i * source.ImageSize, source.ImageSize);
            try
            {
                source.ReadImage(first + i, image);
            }
            catch (CorruptImageException e)
            {
                Add(first + i, source.NameOf(first + i), e);
                image.Clear();
            }
        }
    }

    /// <summary>Sorts the list.</summary>
    public void Finish()
    {
        if (!lines.IsEmpty)
        {
            AtomicFile.WriteText(file, string.Concat(lines.OrderBy(line => line.Key).Select(line => $"{line.Value}\n")));
        }
    }

    private void Add(long number, string name, CorruptImageException reason)
    {
        if (!skip)
        {
            throw reason; // not listed: it may be repaired before the job is resumed
        }

        if (!lines.TryAdd(number, string.Create(CultureInfo.InvariantCulture, $"{number}\t{ArrayFile.OneLine(name)}\t{reason.Reason}")))
        {
            return;
        }

        Interlocked.Increment(ref countNow);
        lock (lines)
        {
            File.AppendAllText(file, $"{lines[number]}\n");
        }
    }
}
