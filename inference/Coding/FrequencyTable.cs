namespace OnnxVae.Inference.Coding;

/// <summary>Symbol probabilities as integer multiples of 2^-<see cref="PrecisionBits"/>, none of them zero.</summary>
public sealed class FrequencyTable
{
    /// <summary>The precision of probabilities, in bits.</summary>
    public const int PrecisionBits = 24;

    private const int Total = 1 << PrecisionBits;

    private readonly uint[] cumulative;

    /// <summary>Rounds probabilities to integer frequencies.</summary>
    /// <param name="probabilities">Probabilities of all symbols except the last, which gets the remainder; they sum to at most 1.</param>
    /// <exception cref="ArgumentException">There are too many symbols, or a probability is not a number from 0 to 1.</exception>
    public FrequencyTable(ReadOnlySpan<double> probabilities)
    {
        int shared = Total - probabilities.Length - 1;
        if (shared <= 0)
        {
            throw new ArgumentException($"A table has room for {Total - 2} probabilities, but there are {probabilities.Length}.", nameof(probabilities));
        }

        cumulative = new uint[probabilities.Length + 2];
        for (int i = 0; i < probabilities.Length; i++)
        {
            if (!(probabilities[i] is >= 0 and <= 1))
            {
                throw new ArgumentException($"The probability of symbol {i} is {probabilities[i]}; expected a number from 0 to 1.", nameof(probabilities));
            }

            cumulative[i + 1] = cumulative[i] + 1 + (uint)(probabilities[i] * shared);
        }

        // Rounding may have handed out one unit too many; it is taken back from the last cumulative frequencies.
        cumulative[^1] = Total;
        for (int i = probabilities.Length; i > 0 && cumulative[i] >= cumulative[i + 1]; i--)
        {
            cumulative[i] = cumulative[i + 1] - 1;
        }
    }

    /// <summary>Number of symbols, including the last one.</summary>
    public int Count => cumulative.Length - 1;

    /// <summary>The cumulative frequency before a symbol, and including it.</summary>
    public (uint From, uint To) this[int symbol] => (cumulative[symbol], cumulative[symbol + 1]);

    /// <summary>The symbol whose interval contains a number.</summary>
    internal int SymbolAt(uint share)
    {
        int index = Array.BinarySearch(cumulative, share);
        return index >= 0 ? index : ~index - 1;
    }

    internal ReadOnlySpan<uint> Shares => cumulative;
}
