namespace OnnxVae.Inference.Coding;

/// <summary>Writes a sequence of symbols in as many bits as their probabilities require in total, plus a few bits at the end.</summary>
/// <remarks>
/// Witten, Neal and Cleary 1987, Arithmetic coding for data compression: the interval [low, high] shrinks to each symbol's share of it; leading bits
/// on which both ends agree are written at once, and those still undecided around the middle are counted until they are decided.
/// </remarks>
/// <param name="output">Receives the bits.</param>
public sealed class ArithmeticEncoder(Stream output)
{
    private uint low;
    private uint high = uint.MaxValue;
    private long undecided;
    private int bits = 1; // the bits of the next byte so far, after a leading 1

    /// <summary>Writes a symbol, given its interval in units of 2^-<see cref="FrequencyTable.PrecisionBits"/>.</summary>
    /// <param name="from">The cumulative frequency of all symbols before it.</param>
    /// <param name="to">The same including its own frequency, which is not zero.</param>
    public void Write(uint from, uint to)
    {
        ulong range = (ulong)high - low + 1;
        high = (uint)(low + (range * to >> FrequencyTable.PrecisionBits) - 1);
        low = (uint)(low + (range * from >> FrequencyTable.PrecisionBits));
        while (true)
        {
            if (high < Interval.Half || low >= Interval.Half)
            {
                WriteDecided(low >= Interval.Half);
            }
            else if (low >= Interval.Quarter && high < Interval.ThreeQuarters)
            {
                undecided++;
                (low, high) = (low - Interval.Quarter, high - Interval.Quarter);
            }
            else
            {
                return;
            }

            (low, high) = (low << 1, (high << 1) | 1);
        }
    }

    /// <summary>Writes a uniformly distributed number.</summary>
    /// <param name="number">The number.</param>
    /// <param name="size">Its size in bits, at most <see cref="FrequencyTable.PrecisionBits"/>.</param>
    public void WriteUniform(uint number, int size) =>
        Write(number << (FrequencyTable.PrecisionBits - size), (number + 1) << (FrequencyTable.PrecisionBits - size));

    /// <summary>Writes the last bits.</summary>
    public void Finish()
    {
        undecided++;
        WriteDecided(low >= Interval.Quarter);
        while (bits != 1)
        {
            WriteBit(false);
        }
    }

    private void WriteDecided(bool bit)
    {
        WriteBit(bit);
        for (; undecided > 0; undecided--)
        {
            WriteBit(!bit);
        }
    }

    private void WriteBit(bool bit)
    {
        bits = (bits << 1) | (bit ? 1 : 0);
        if (bits > byte.MaxValue)
        {
            output.WriteByte((byte)bits);
            bits = 1;
        }
    }
}
