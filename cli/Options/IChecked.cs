namespace OnnxVae.Cli.Options;

/// <summary>Options that can contradict each other.</summary>
internal interface IChecked
{
    /// <summary>What is wrong with them together, a sentence each.</summary>
    /// <param name="given">Which were given; the others have their usual values.</param>
    IEnumerable<string> FindFaults(GivenOptions given);
}

/// <summary>The options that a command gives.</summary>
/// <param name="names">Their names, as <c>--latent</c>.</param>
internal sealed class GivenOptions(IReadOnlySet<string> names)
{
    /// <summary>Their names, as <c>--latent</c>.</summary>
    public IReadOnlySet<string> Names => names;

    /// <summary>Whether the option of a property is given.</summary>
    /// <param name="property">The property's name.</param>
    public bool Has(string property) => names.Contains(OptionNames.OfProperty(property));
}
