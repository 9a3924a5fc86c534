using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>
/// A pseudorandom order of 0 .. count - 1 in which every entry is computed independently: nothing to store, nothing to replay
/// after a restart.
/// </summary>
/// <remarks>
/// A Feistel network over the smallest even number of bits that holds count, with Philox as its round function; values
/// outside the range are encrypted again (cycle walking; Black and Rogaway 2002).
/// </remarks>
public sealed class Permutation
{
    private const int Rounds = 6;
    private const uint Stream = 0x5348;

    private readonly long count;
    private readonly ulong seed;
    private readonly ulong number;
    private readonly int halfBits;

    /// <summary>Selects an order.</summary>
    /// <param name="count">How many entries.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="number">Which of the seed's orders: the epoch.</param>
    public Permutation(long count, ulong seed, ulong number)
    {
        (this.count, this.seed, this.number) = (count, seed, number);
        while (1L << (2 * halfBits) < count)
        {
            halfBits++;
        }
    }

    /// <summary>The entry at a position.</summary>
    public long this[long position]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, count);
            do
            {
                position = Shuffle(position);
            }
            while (position >= count);
            return position;
        }
    }

    private long Shuffle(long value)
    {
        uint mask = (uint)((1L << halfBits) - 1);
        var (left, right) = ((uint)(value >> halfBits), (uint)value & mask);
        for (uint round = 0; round < Rounds; round++)
        {
            uint mixed = Philox.Block(right, Stream + round, number, seed).A;
            (left, right) = (right, left ^ (mixed & mask));
        }

        return ((long)left << halfBits) | right;
    }
}
