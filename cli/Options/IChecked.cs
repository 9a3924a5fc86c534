namespace OnnxVae.Cli.Options;

/// <summary>Options that can contradict each other.</summary>
internal interface IChecked
{
    /// <summary>What is wrong with the combination, one sentence each.</summary>
    /// <param name="given">The options that were given; the others have their defaults.</param>
    IEnumerable<string> FindFaults(GivenOptions given);
}

/// <summary>The options given in a command.</summary>
/// <param name="names">Their names, as <c>--latent</c>.</param>
internal sealed class GivenOptions(IReadOnlySet<string> names)
{
    /// <summary>Their names, as <c>--latent</c>.</summary>
    public IReadOnlySet<string> Names => names;

    /// <summary>Whether the option of a property was given.</summary>
    /// <param name="property">The property's name.</param>
    public bool Has(string property) => names.Contains(OptionNames.OfProperty(property));
}
