using System.CommandLine;
using System.Reflection;

namespace OnnxVae.Cli.Options;

/// <summary>The sections of the list of verbs.</summary>
internal enum VerbTopic
{
    Train,
    Images,
    Latents,
    Ship,
    Look,
}

/// <summary>A verb's text in the help.</summary>
/// <param name="name">Its name.</param>
/// <param name="topic">The section of the list of verbs.</param>
/// <param name="summary">A few words for that list.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class VerbAttribute(string name, VerbTopic topic, string summary) : Attribute
{
    public string Name => name;

    public VerbTopic Topic => topic;

    public string Summary => summary;

    /// <summary>Further details.</summary>
    public string Details { get; init; } = "";

    /// <summary>A working command, without <c>onnxvae</c>.</summary>
    public required string Example { get; init; }
}

/// <summary>A verb of the command line. Every derived class is found automatically: to add a verb, add a folder.</summary>
internal abstract class Verb
{
    private protected Verb(Type options) => (About, Options) = (GetType().GetCustomAttribute<VerbAttribute>()!, new OptionRecord(options));

    /// <summary>All verbs, in the order of the help.</summary>
    public static IReadOnlyList<Verb> All() =>
    [
        .. typeof(Verb).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Verb)) && !type.IsAbstract)
            .Select(type => (Verb)Activator.CreateInstance(type)!).OrderBy(verb => verb.About.Topic).ThenBy(verb => verb.About.Name, StringComparer.Ordinal),
    ];

    /// <summary>Its text in the help.</summary>
    public VerbAttribute About { get; }

    /// <summary>Its arguments and options.</summary>
    public OptionRecord Options { get; }

    /// <summary>The verb for the parser.</summary>
    public Command ToCommand()
    {
        var command = new Command(About.Name, About.Summary);
        foreach (var argument in Options.Arguments)
        {
            command.Arguments.Add(argument);
        }

        foreach (var (option, _, _) in Options.Options)
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>Whether the processes that mpirun has started work on it together; the first one speaks for all.</summary>
    public virtual bool RunsInSeveralProcesses => false;

    /// <summary>Runs the command.</summary>
    /// <param name="options">The record of its options.</param>
    /// <returns>The exit code.</returns>
    public abstract Task<int> RunAsync(object options);
}

/// <summary>A verb that takes options.</summary>
/// <typeparam name="TOptions">The record of its options.</typeparam>
internal abstract class Verb<TOptions> : Verb
{
    private protected Verb()
        : base(typeof(TOptions))
    {
    }

    /// <inheritdoc/>
    public sealed override Task<int> RunAsync(object options) => RunAsync((TOptions)options);

    /// <inheritdoc cref="Verb.RunAsync"/>
    protected abstract Task<int> RunAsync(TOptions options);
}

/// <summary>A long-running verb: a signal stops it gracefully.</summary>
/// <typeparam name="TOptions">The record of its options.</typeparam>
internal abstract class LongVerb<TOptions> : Verb<TOptions>
{
    /// <summary>What is said when a signal stops it; null for nothing.</summary>
    protected virtual string? Stopping => "Stopping; press Ctrl+C again to stop immediately.";

    /// <inheritdoc/>
    protected sealed override async Task<int> RunAsync(TOptions options)
    {
        using var interruption = new Terminal.Interruption(Stopping);
        var token = interruption.Token;
        return await Task.Run(() => RunAsync(options, token), CancellationToken.None);
    }

    /// <inheritdoc cref="Verb.RunAsync"/>
    /// <param name="options">The record of its options.</param>
    /// <param name="cancellation">Stops the work.</param>
    protected abstract Task<int> RunAsync(TOptions options, CancellationToken cancellation);
}
