using System.CommandLine;

namespace OnnxVae.Cli;

/// <summary>Long-running verbs that Ctrl-C ends in an orderly way.</summary>
internal static class CancellableAction
{
    /// <summary>Sets what a verb does. It runs on another thread, because signals are listened to only once the action has returned its task.</summary>
    public static void SetCancellableAction(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction((result, cancellation) => Task.Run(() => action(result, cancellation), CancellationToken.None));

    /// <inheritdoc cref="SetCancellableAction(Command, Func{ParseResult, CancellationToken, Task{int}})"/>
    public static void SetCancellableAction(this Command command, Action<ParseResult, CancellationToken> action) =>
        command.SetCancellableAction((result, cancellation) =>
        {
            action(result, cancellation);
            return Task.FromResult(0);
        });
}
