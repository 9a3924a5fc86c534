using System.Globalization;
using OnnxVae.Inference;

namespace OnnxVae.Training.Tables;

/// <summary>Values of tables as text.</summary>
internal static class CellText
{
    /// <summary>The number formats of decimal signs.</summary>
    private static readonly NumberFormatInfo WithComma = new() { NumberDecimalSeparator = ",", NumberGroupSeparator = "." };

    /// <summary>The number format of a decimal sign.</summary>
    /// <param name="decimalSign">A point or a comma.</param>
    public static NumberFormatInfo FormatOf(char decimalSign) => decimalSign == ',' ? WithComma : NumberFormatInfo.InvariantInfo;

    /// <summary>Reads a number, also an infinite one.</summary>
    /// <param name="text">The text.</param>
    /// <param name="decimalSign">Its decimal sign.</param>
    /// <param name="number">The number.</param>
    public static bool TryParse(ReadOnlySpan<char> text, char decimalSign, out double number)
    {
        if (double.TryParse(text, NumberStyles.Float, FormatOf(decimalSign), out number))
        {
            return !double.IsNaN(number);
        }

        number = text is ['-', ..] ? double.NegativeInfinity : double.PositiveInfinity;
        return text.TrimStart("+-").Equals("inf", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A value as text.</summary>
    /// <param name="column">Its column.</param>
    /// <param name="cell">A number, or a category's position.</param>
    /// <param name="decimalSign">The decimal sign of numbers.</param>
    public static string Of(TableColumn column, float cell, char decimalSign) =>
        column.Kind == TableColumnKind.Number ? Of(cell, FormatOf(decimalSign)) : column.Categories[(int)cell];

    // Without an exponent, unless the number is very large or very small.
    private static string Of(float number, NumberFormatInfo format) => number.ToString("R", format) is var text && text.Contains('E', StringComparison.Ordinal) && Math.Abs(number) is > 1e-10f and < 1e15f
        ? decimal.Parse(text, NumberStyles.Float, format).ToString(format)
        : text;

    /// <summary>A field of a line, in quotes if it needs them.</summary>
    /// <param name="text">The text.</param>
    /// <param name="delimiter">What is between fields.</param>
    public static string Quoted(string text, char delimiter) => NeedsQuotes(text, delimiter) || text.Contains('"', StringComparison.Ordinal) ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;

    /// <summary>Whether text without quotes around it would be read as several fields or lines.</summary>
    /// <param name="text">The text.</param>
    /// <param name="delimiter">What is between fields.</param>
    public static bool NeedsQuotes(string text, char delimiter) => text.AsSpan().ContainsAny(delimiter, '\n', '\r');
}
