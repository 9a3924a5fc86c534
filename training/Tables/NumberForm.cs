namespace OnnxVae.Training.Tables;

/// <summary>Whether the values of a column are numbers with a decimal sign, and what these have in common.</summary>
/// <param name="sign">The decimal sign.</param>
internal sealed class NumberForm(char sign)
{
    private const int MostDecimals = 6;
    private const int ThousandsDigits = 3;
    private const double Rounding = 1e-9; // relative, of numbers that were not text

    private int decimals;
    private double smallest = double.PositiveInfinity, largest = double.NegativeInfinity;
    private long valuesOfFile;
    private bool areAllOfFile = true;

    /// <summary>Whether all values are numbers.</summary>
    public bool AreAll { get; private set; } = true;

    /// <summary>Whether there are values in the file that is being read, all of them numbers.</summary>
    public bool AreAllOfFile => valuesOfFile > 0 && areAllOfFile;

    /// <summary>Whether all are the same number.</summary>
    public bool AreOne => smallest == largest;

    /// <summary>Whether all that have the sign have three digits after it, and one to three before it, as if it separated thousands.</summary>
    public bool AreThousands { get; private set; } = true;

    /// <summary>Whether all are 0 or 1.</summary>
    public bool AreBits { get; private set; } = true;

    /// <summary>The most decimals that a number is written with; null if they are too many to round.</summary>
    public int? Decimals => decimals <= MostDecimals ? decimals : null;

    /// <summary>How many values are numbers.</summary>
    public long Numbers { get; private set; }

    /// <summary>The first value that is not a number, and where it is.</summary>
    public (string Text, string Place)? Other { get; private set; }

    /// <summary>Adds a value.</summary>
    /// <param name="text">The value.</param>
    /// <param name="place">Where it is.</param>
    /// <param name="file">In which file.</param>
    public void Add(ReadOnlySpan<char> text, long place, ITableFile file)
    {
        valuesOfFile++;
        if (!CellText.TryParse(text, sign, out double number))
        {
            AreAll = areAllOfFile = false;
            Other ??= (text.ToString(), file.Locate(place));
            return;
        }

        AddNumber(number);
        int at = text.IndexOf(sign);
        AreThousands &= at < 0 || (text.Length - at - 1 == ThousandsDigits && text[..at].TrimStart("+-") is { Length: > 0 and <= ThousandsDigits } leading && leading[0] != '0');
        decimals = Math.Max(decimals, text.ContainsAny('e', 'E') ? MostDecimals + 1 : at < 0 ? 0 : text.Length - at - 1);
    }

    /// <summary>Adds a value that is a number.</summary>
    /// <param name="number">The value.</param>
    public void Add(double number)
    {
        valuesOfFile++;
        AddNumber(number);
        while (decimals <= MostDecimals && Math.Abs(number - Math.Round(number, decimals)) > Rounding * Math.Abs(number))
        {
            decimals++;
        }
    }

    /// <summary>Starts with another file.</summary>
    public void BeginFile() => (valuesOfFile, areAllOfFile) = (0, true);

    private void AddNumber(double number)
    {
        Numbers++;
        AreBits &= number is 0 or 1;
        (smallest, largest) = (Math.Min(smallest, number), Math.Max(largest, number));
    }
}
