using System.CommandLine;

namespace OnnxVae.Cli;

/// <summary>Long-running verbs that a signal ends in an orderly way.</summary>
internal static class CancellableAction
{
    /// <summary>Sets what a verb does.</summary>
    public static void SetCancellableAction(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) => command.SetAction(async (result, cancellation) =>
    {
        using var interruption = new Interruption(cancellation);
        var token = interruption.Token;
        return await Task.Run(() => action(result, token), CancellationToken.None);
    });

    /// <inheritdoc cref="SetCancellableAction(Command, Func{ParseResult, CancellationToken, Task{int}})"/>
    public static void SetCancellableAction(this Command command, Action<ParseResult, CancellationToken> action) =>
        command.SetCancellableAction((result, cancellation) =>
        {
            action(result, cancellation);
            return Task.FromResult(0);
        });
}
