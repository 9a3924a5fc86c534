using OnnxVae.Cli.Options;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Models;

/// <summary>Layouts of arrays by name.</summary>
internal sealed class Layouts : INamed
{
    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names { get; } = [.. Enum.GetNames<ArrayLayout>().Select(name => name.ToLowerInvariant())];

    /// <summary>The layout with a given name.</summary>
    public static ArrayLayout Find(string name) => Enum.Parse<ArrayLayout>(name, ignoreCase: true);
}
