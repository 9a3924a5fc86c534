using System.Globalization;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch;

/// <summary>One of several parts of a job, numbered as in cluster schedulers.</summary>
/// <param name="Index">Its index, from 0.</param>
/// <param name="Count">The number of shards.</param>
internal readonly record struct Shard(int Index, int Count)
{
    /// <summary>Reads <c>I/N</c>.</summary>
    /// <returns>The shard; null where the text is malformed, or I is not below N.</returns>
    public static Shard? TryParse(string text) => text.Split('/') is [var i, var n]
        && int.TryParse(i, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
        && int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        && index < count
            ? new Shard(index, count)
            : null;

    /// <summary>A file's name with the shard in it, if there is more than one.</summary>
    public string NameOf(string file) => Count == 1 ? file : string.Create(
        CultureInfo.InvariantCulture, $"{file[..^Path.GetExtension(file).Length]}-{Index}-of-{Count}{Path.GetExtension(file)}");

    /// <summary>The range of 0 .. total - 1 that belongs to this shard: contiguous, nearly equal parts that start at multiples of a unit.</summary>
    public ImageRange RangeOf(long total, long unit = 1)
    {
        Int128 units = ((Int128)total + unit - 1) / unit;
        return new ImageRange(Begin(Index, Count), Begin(Index + 1, Count));

        long Begin(int index, int count) => (long)Int128.Min(total, units * index / count * unit);
    }
}
