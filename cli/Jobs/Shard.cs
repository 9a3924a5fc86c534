using System.Globalization;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Jobs;

/// <summary>One of several parts of a job, as cluster schedulers number them.</summary>
/// <param name="Index">Which, from 0.</param>
/// <param name="Count">Of how many.</param>
internal readonly record struct Shard(int Index, int Count)
{
    /// <summary>Reads <c>I/N</c>.</summary>
    /// <exception cref="UsageException">The text is malformed, or I is not below N.</exception>
    public static Shard Parse(string text) => text.Split('/') is [var i, var n]
        && int.TryParse(i, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
        && int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
        && index < count
            ? new Shard(index, count)
            : throw new UsageException($"--shard is '{text}'; expected I/N with I from 0 to N - 1, as in 0/4.");

    /// <summary>A file's name with the shard in it, if there are several.</summary>
    public string NameOf(string file) => Count == 1 ? file : string.Create(
        CultureInfo.InvariantCulture, $"{file[..^Path.GetExtension(file).Length]}-{Index}-of-{Count}{Path.GetExtension(file)}");

    /// <summary>The part of 0 .. total - 1 that is this shard's: contiguous, nearly equal parts that begin at multiples of a unit.</summary>
    public ImageRange RangeOf(long total, long unit = 1)
    {
        Int128 units = ((Int128)total + unit - 1) / unit;
        return new ImageRange(Begin(Index, Count), Begin(Index + 1, Count));

        long Begin(int index, int count) => (long)Int128.Min(total, units * index / count * unit);
    }
}
