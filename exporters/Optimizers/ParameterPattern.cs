using System.Text.RegularExpressions;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// Chooses parameters: by a name, by the path of a module, or by either with <c>*</c> for any characters, such as <c>*.bias</c>. <c>encoder.0</c> also chooses
/// <c>encoder.0.weight</c>, but not <c>encoder.01.weight</c>; upper and lower case differ.
/// </summary>
public sealed class ParameterPattern
{
    private readonly Regex expression;

    /// <summary>Reads a pattern.</summary>
    /// <param name="text">The pattern.</param>
    public ParameterPattern(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        Text = text;
        expression = new Regex($"^{Regex.Escape(text).Replace("\\*", ".*", StringComparison.Ordinal)}(\\.|$)", RegexOptions.CultureInvariant);
    }

    /// <summary>The pattern.</summary>
    public string Text { get; }

    /// <summary>Whether a parameter is chosen.</summary>
    /// <param name="name">Its name.</param>
    public bool Matches(string name) => expression.IsMatch(name);
}
