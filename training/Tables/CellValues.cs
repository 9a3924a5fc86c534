using OnnxVae.Format;

namespace OnnxVae.Training.Tables;

/// <summary>The cells of a column as numbers: the number itself, a category's position, NaN for a missing value.</summary>
/// <param name="column">The column.</param>
/// <param name="decimalSign">The decimal sign of the file's numbers.</param>
/// <param name="file">The file, for messages.</param>
/// <param name="isOfModel">Whether a model knows the column already.</param>
internal sealed class CellValues(ColumnSpec column, char decimalSign, ITableFile file, bool isOfModel) : ICells
{
    private const int MostNamed = 20; // in a message

    private readonly List<float> values = [];
    // TRUE and true are the same truth value.
    private readonly Dictionary<string, int> positions = column.Categories.Index().ToDictionary(category => category.Item, category => category.Index, AreTruthValues(column) ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
    private readonly Dictionary<double, int> positionsOfNumbers = PositionsOfNumbers(column);

    /// <summary>The values so far.</summary>
    public IReadOnlyList<float> Values => values;

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<char> text, long place)
    {
        if (column.Kind != ColumnKind.Number)
        {
            values.Add(PositionOf(text, place));
        }
        else if (CellText.TryParse(text, decimalSign, out double number))
        {
            AddNumber(number, place);
        }
        else
        {
            throw new InvalidDataException($"In {file.Locate(place)}, column '{column.Name}' is '{text}'; expected a number with the decimal sign '{decimalSign}', or nothing for a missing one. {(isOfModel ? "Mend it, or say what stands for a missing value." : "Mend it, say what stands for a missing value, or take the column for categories.")}");
        }
    }

    /// <inheritdoc/>
    public void Add(double number, long place)
    {
        if (column.Kind == ColumnKind.Number)
        {
            AddNumber(number, place);
        }
        else
        {
            values.Add(PositionOf(number.ToString("R", CellText.FormatOf('.')), place));
        }
    }

    /// <inheritdoc/>
    public void AddMissing() => values.Add(float.NaN);

    private static bool AreTruthValues(ColumnSpec column) => column.Categories is [var no, var yes] && no.Equals("false", StringComparison.OrdinalIgnoreCase) && yes.Equals("true", StringComparison.OrdinalIgnoreCase);

    private static Dictionary<double, int> PositionsOfNumbers(ColumnSpec column)
    {
        var positions = new Dictionary<double, int>();
        foreach (var (position, category) in column.Categories.Index())
        {
            if (CellText.TryParse(category, '.', out double number))
            {
                positions.TryAdd(number, position);
            }
        }

        return positions;
    }

    private void AddNumber(double number, long place) => values.Add(float.IsFinite((float)number) ? (float)number : throw new InvalidDataException(
        $"In {file.Locate(place)}, column '{column.Name}' is {number:R}; expected a finite number that float32 can hold, or nothing for a missing one."));

    // Numbers as categories may be written in several ways.
    private int PositionOf(ReadOnlySpan<char> text, long place)
    {
        if (positions.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out int position))
        {
            return position;
        }

        if (CellText.TryParse(text, decimalSign, out double number) && positionsOfNumbers.TryGetValue(number, out position))
        {
            return position;
        }

        string known = string.Join(", ", column.Categories.Take(MostNamed).Select(category => $"'{category}'"));
        throw new InvalidDataException(
            $"In {file.Locate(place)}, column '{column.Name}' is '{text}', but the categories are {known}{(column.Categories.Count > MostNamed ? $" and {column.Categories.Count - MostNamed} more" : "")}. Mend it, or leave it empty, as missing.");
    }
}
