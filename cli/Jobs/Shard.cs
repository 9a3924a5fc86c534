using System.Globalization;

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

    /// <summary>Where this shard writes: folders are shared, a .npy file gets the shard into its name.</summary>
    public string FileOf(string output) => Count > 1 && output.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)
        ? string.Create(CultureInfo.InvariantCulture, $"{output[..^4]}-{Index}-of-{Count}.npy")
        : output;

    /// <summary>The part of 0 .. total - 1 that is this shard's: contiguous, nearly equal parts.</summary>
    public (long First, long End) RangeOf(long total) => (total * Index / Count, total * (Index + 1) / Count);
}
