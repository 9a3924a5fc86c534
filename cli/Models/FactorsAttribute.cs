using System.Globalization;
using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Models;

/// <summary>Patterns of parameters with a factor for each, separated by commas.</summary>
internal sealed class FactorsAttribute : RuleAttribute
{
    public override string? FaultOf(string option, object value) => TryParse((string)value) is not { } factors
        ? $"{option} is '{value}'; expected parameters with positive factors, separated by commas, as in encoder=0.1,decoder.0=0.5."
        : factors.GroupBy(entry => entry.Pattern).FirstOrDefault(group => group.Count() > 1) is { } twice ? $"{option} gives '{twice.Key}' twice: give it once." : null;

    /// <summary>The factors of a valid text; none if nothing was given.</summary>
    public static IReadOnlyList<(string Pattern, double Factor)> Parse(string? text) => text is null ? [] : TryParse(text)!;

    private static List<(string Pattern, double Factor)>? TryParse(string text)
    {
        var factors = new List<(string, double)>();
        foreach (string part in text.Split(','))
        {
            if (part.Split('=') is not [var pattern, var number] || pattern.Trim().Length == 0 || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double factor) || !(factor > 0) || !double.IsFinite(factor))
            {
                return null;
            }

            factors.Add((pattern.Trim(), factor));
        }

        return factors;
    }
}
