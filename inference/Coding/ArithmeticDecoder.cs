namespace OnnxVae.Inference.Coding;

/// <summary>Reads what <see cref="ArithmeticEncoder"/> wrote, given the same tables.</summary>
public sealed class ArithmeticDecoder
{
    // Past the end, bits read as zero: the last symbol may need as many bits as the interval has.
    private const int LongestTail = sizeof(uint);

    private readonly Stream input;
    private uint low;
    private uint high = uint.MaxValue;
    private uint code;
    private int current;
    private int left;
    private int behindEnd;

    /// <summary>Reads the first bits.</summary>
    /// <param name="input">The bits.</param>
    public ArithmeticDecoder(Stream input)
    {
        this.input = input;
        for (int i = 0; i < 32; i++)
        {
            code = (code << 1) | NextBit();
        }
    }

    /// <summary>The next symbol.</summary>
    /// <param name="table">The table that it was encoded with.</param>
    /// <returns>Its index.</returns>
    /// <exception cref="InvalidDataException">There are no more bits.</exception>
    public int Read(FrequencyTable table)
    {
        int symbol = table.SymbolAt(Share);
        var (from, to) = table[symbol];
        Narrow(from, to);
        return symbol;
    }

    /// <summary>The next uniformly distributed number.</summary>
    /// <param name="size">Its size in bits.</param>
    /// <exception cref="InvalidDataException">There are no more bits.</exception>
    public uint ReadUniform(int size)
    {
        uint number = Share >> (FrequencyTable.PrecisionBits - size);
        Narrow(number << (FrequencyTable.PrecisionBits - size), (number + 1) << (FrequencyTable.PrecisionBits - size));
        return number;
    }

    private uint Share => (uint)(((((ulong)code - low + 1) << FrequencyTable.PrecisionBits) - 1) / ((ulong)high - low + 1));

    private void Narrow(uint from, uint to)
    {
        ulong range = (ulong)high - low + 1;
        high = (uint)(low + (range * to >> FrequencyTable.PrecisionBits) - 1);
        low = (uint)(low + (range * from >> FrequencyTable.PrecisionBits));
        while (true)
        {
            uint offset;
            if (high < Interval.Half)
            {
                offset = 0;
            }
            else if (low >= Interval.Half)
            {
                offset = Interval.Half;
            }
            else if (low >= Interval.Quarter && high < Interval.ThreeQuarters)
            {
                offset = Interval.Quarter;
            }
            else
            {
                return;
            }

            (low, high, code) = ((low - offset) << 1, ((high - offset) << 1) | 1, ((code - offset) << 1) | NextBit());
        }
    }

    private uint NextBit()
    {
        if (left == 0)
        {
            current = input.ReadByte();
            left = 8;
            if (current < 0)
            {
                current = 0;
                if (++behindEnd > LongestTail)
                {
                    throw new InvalidDataException("The coded latents end too early: the file is cut off.");
                }
            }
        }

        return (uint)(current >> --left) & 1;
    }
}
