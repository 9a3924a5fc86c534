namespace OnnxVae.Inference;

/// <summary>
/// Counter-based random numbers: each can be computed at any time from seed, stream and position alone.
/// </summary>
/// <remarks>Philox4x32-10 of Salmon, Moraes, Dror and Shaw 2011, Parallel Random Numbers: As Easy as 1, 2, 3.</remarks>
public static class Philox
{
    private const int Rounds = 10;

    /// <summary>Fills a span with independent standard-normal numbers (Box-Muller).</summary>
    /// <param name="destination">The span to fill; a longer span at the same position starts with the same numbers.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">Which of the run's streams.</param>
    /// <param name="position">The position in the stream: a training step, an image's number.</param>
    /// <param name="first">The place of the span's first number among those at the position.</param>
    public static void FillStandardNormal(Span<float> destination, ulong seed, uint stream, ulong position, long first = 0)
    {
        for (int i = -(int)(first % 4); i < destination.Length; i += 4)
        {
            var (a, b, c, d) = Block((uint)((first + i) / 4), stream, position, seed);
            var (one, two) = BoxMuller(a, b);
            var (three, four) = BoxMuller(c, d);
            Copy([one, two, three, four], destination, i);
        }
    }

    /// <summary>Fills a span with independent numbers, uniform in [0, 1).</summary>
    /// <inheritdoc cref="FillStandardNormal"/>
    public static void FillUniform(Span<float> destination, ulong seed, uint stream, ulong position, long first = 0)
    {
        const float unit = 1f / (1 << 24); // as many bits as a float holds
        for (int i = -(int)(first % 4); i < destination.Length; i += 4)
        {
            var (a, b, c, d) = Block((uint)((first + i) / 4), stream, position, seed);
            Copy([(a >> 8) * unit, (b >> 8) * unit, (c >> 8) * unit, (d >> 8) * unit], destination, i);
        }
    }

    // Those of a block's numbers that lie in the span, of which the first may lie before it.
    private static void Copy(ReadOnlySpan<float> block, Span<float> destination, int at)
    {
        int before = Math.Max(0, -at);
        block[before..Math.Min(block.Length, destination.Length - at)].CopyTo(destination[(at + before)..]);
    }

    /// <summary>One block of four independent, uniformly distributed 32-bit numbers.</summary>
    public static (uint A, uint B, uint C, uint D) Block(uint block, uint stream, ulong position, ulong seed)
    {
        var (a, b, c, d) = (block, stream, (uint)position, (uint)(position >> 32));
        var (key0, key1) = ((uint)seed, (uint)(seed >> 32));
        for (int round = 0; round < Rounds; round++)
        {
            ulong first = 0xD2511F53UL * a, second = 0xCD9E8D57UL * c;
            (a, b, c, d) = ((uint)(second >> 32) ^ b ^ key0, (uint)second, (uint)(first >> 32) ^ d ^ key1, (uint)first);
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }

        return (a, b, c, d);
    }

    private static (float, float) BoxMuller(uint a, uint b)
    {
        const double unit = 1.0 / (1UL << 32);
        double radius = Math.Sqrt(-2 * Math.Log((a + 0.5) * unit));
        var (sin, cos) = Math.SinCos(2 * Math.PI * (b + 0.5) * unit);
        return ((float)(radius * cos), (float)(radius * sin));
    }
}
