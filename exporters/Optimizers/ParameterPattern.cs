using System.Text.RegularExpressions;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>Chooses parameters by name: a name, the path of a module (<c>encoder.0</c>), or either with <c>*</c> for any characters (<c>*.bias</c>).</summary>
/// <param name="Text">The pattern.</param>
public sealed record ParameterPattern(string Text)
{
    private readonly Regex expression = new($"^{Regex.Escape(Text).Replace("\\*", ".*", StringComparison.Ordinal)}(\\.|$)", RegexOptions.CultureInvariant);

    /// <summary>Whether a parameter is chosen.</summary>
    /// <param name="name">Its name.</param>
    public bool Matches(string name) => expression.IsMatch(name);
}
