using System.Globalization;
using OnnxVae.Format;

namespace OnnxVae.Training.Tables;

/// <summary>What the cells of a column have in common, from which its kind is inferred.</summary>
/// <param name="name">The column's name.</param>
internal sealed class ColumnProfile(string name) : ICells
{
    private const int MostCategories = 1000, MostStated = 10_000;
    private const int MostOfShare = 20;
    private const double LargestShare = 0.5; // of the values that are different, for more than that many
    private const double MostlyNumbers = 0.9; // of its values
    private const int MostNamed = 6; // in a message

    private readonly HashSet<string> texts = [];
    private ITableFile? file; // that is being read
    private readonly NumberForm withPoint = new('.'), withComma = new(',');
    private long count;

    /// <summary>Starts with another file.</summary>
    /// <param name="next">The file.</param>
    public void Begin(ITableFile next) => file = next;

    /// <summary>Ends a file.</summary>
    public void End()
    {
        NeedsPoint |= withPoint.AreAllOfFile && !withComma.AreAllOfFile;
        NeedsComma |= withComma.AreAllOfFile && !withPoint.AreAllOfFile;
        withPoint.BeginFile();
        withComma.BeginFile();
    }

    /// <summary>Whether all values of a file are numbers with a decimal point, and not all with a comma.</summary>
    public bool NeedsPoint { get; private set; }

    /// <summary>Whether all values of a file are numbers with a decimal comma, and not all with a point.</summary>
    public bool NeedsComma { get; private set; }

    /// <summary>Whether all commas may separate thousands instead, as in <c>1,234</c>.</summary>
    public bool MayHaveThousands => NeedsComma && withComma.AreThousands;

    /// <summary>The column and a value of it with a comma, for messages.</summary>
    public string Example => $"Column '{name}' has numbers like '{texts.First(text => text.Contains(',', StringComparison.Ordinal))}'";

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<char> text, long place)
    {
        count++;
        withPoint.Add(text, place, file!);
        withComma.Add(text, place, file!);
        AddText(text);
    }

    /// <inheritdoc/>
    public void Add(double number, long place)
    {
        count++;
        withPoint.Add(number);
        withComma.Add(number);
        AddText(number.ToString("R", CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public void AddMissing()
    {
    }

    /// <summary>The column.</summary>
    /// <param name="stated">What it is taken for; null to tell by its values.</param>
    /// <param name="decimalSign">The decimal sign of the file's numbers.</param>
    /// <exception cref="InvalidDataException">Its values do not fit, it has none, all are the same, or there are too many categories.</exception>
    public ColumnSpec ToSpec(ColumnType? stated, char decimalSign)
    {
        var form = decimalSign == ',' ? withComma : withPoint;
        bool areNumbers = count > 0 && form.AreAll;
        if (stated != ColumnType.Number && (texts.Count < 2 || (areNumbers && form.AreOne)))
        {
            throw new InvalidDataException(texts.Count == 0
                ? $"Column '{name}' of '{file!.Path}' has no values: nothing can be learned from it. Leave the column out."
                : $"Column '{name}' of '{file!.Path}' is '{texts.First()}' in all rows: nothing can be learned from it. Leave the column out.");
        }

        if (stated == ColumnType.Number || (stated is null && areNumbers && !form.AreBits))
        {
            // Values that are not numbers are found when they are read.
            return new ColumnSpec(name, ColumnKind.Number, []) { Decimals = form.Decimals };
        }

        if (stated is null && form.Other is { } other && form.Numbers >= MostlyNumbers * count)
        {
            throw new InvalidDataException($"Column '{name}' holds numbers, but '{other.Text}' in {other.Place} is not one. Mend it, say what stands for a missing value, or take the column for categories.");
        }

        string[] categories = areNumbers ? [.. texts.OrderBy(text => Number(text, decimalSign)).ThenBy(text => text, StringComparer.Ordinal)] : [.. texts.Order(StringComparer.Ordinal)];
        if (areNumbers && form.AreBits && categories.Length > 2)
        {
            categories = ["0", "1"]; // however they are written
        }

        if (stated == ColumnType.Binary && categories.Length != 2)
        {
            throw new InvalidDataException($"Column '{name}' of '{file!.Path}' has {(texts.Count > MostStated ? $"more than {MostStated}" : categories.Length)} different values, {Some(categories)}; expected 2 of a binary one. Take it for another type.");
        }

        if (stated is null && categories.Length > MostOfShare && categories.Length > LargestShare * count)
        {
            throw new InvalidDataException($"Column '{name}' of '{file!.Path}' has {(texts.Count > MostStated ? $"more than {MostStated}" : categories.Length)} different values in {count} rows, such as {Some(categories)}, which are not numbers. Leave the column out, name the rows by it, or say what it holds, or what stands for a missing value.");
        }

        if (categories.Length > (stated is null ? MostCategories : MostStated))
        {
            string why = stated is null ? $" They are not numbers, as '{form.Other!.Value.Text}' in {form.Other.Value.Place} shows." : "";
            throw new InvalidDataException(
                $"Column '{name}' of '{file!.Path}' has more than {(stated is null ? MostCategories : MostStated)} categories, such as {Some(categories)}.{why} Leave the column out, name the rows by it, or say what it holds, or what stands for a missing value.");
        }

        return new ColumnSpec(name, categories.Length == 2 && stated != ColumnType.Category ? ColumnKind.Binary : ColumnKind.Category, categories);
    }

    private void AddText(ReadOnlySpan<char> text)
    {
        if (texts.Count <= MostStated)
        {
            texts.GetAlternateLookup<ReadOnlySpan<char>>().Add(text);
        }
    }

    private static double Number(string text, char decimalSign) => CellText.TryParse(text, decimalSign, out double number) || CellText.TryParse(text, '.', out number) ? number : 0;

    private static string Some(string[] categories) => string.Join(", ", categories.Take(MostNamed).Select(category => $"'{category}'"));
}
