namespace OnnxVae.Cli.Options;

/// <summary>The sections of a verb's help.</summary>
internal enum Topic
{
    Data,
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
