namespace OnnxVae.Cli.Options;

/// <summary>The sections of a verb's help.</summary>
internal enum Topic
{
    Data,
    Tables,
    Condition,
    Model,
    Likelihood,
    Prior,
    Objective,
    Codes,
    Segments,
    Optimization,
    Run,
    Images,
    Latents,
    Score,
    Imputation,
    Output,
    Execution,
}

/// <summary>A property that is an option, <c>--NAME</c>; its value in a new record is the default.</summary>
/// <param name="topic">The section of the help.</param>
/// <param name="description">The description in the help.</param>
[AttributeUsage(AttributeTargets.Property)]
internal class OptionAttribute(Topic topic, string description) : Attribute
{
    public Topic Topic => topic;

    public string Description => description;

    /// <summary>Whether it must be given.</summary>
    public bool IsRequired { get; init; }
}

/// <summary>An option that is given instead of another one: at most one of a group makes sense.</summary>
/// <param name="group">The group's name.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AlternativeAttribute(string group) : Attribute
{
    public string Group => group;
}

/// <summary>A property that is an argument.</summary>
/// <param name="name">Its name in the help.</param>
/// <param name="description">The description in the help.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ArgumentAttribute(string name, string description) : Attribute
{
    public string Name => name;

    public string Description => description;
}

/// <summary>A property whose record has options of its own.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class GroupAttribute : Attribute;
