using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;

namespace OnnxVae.Cli.Runs;

/// <summary>A verb that trains: by itself, or in several processes that mpirun has started.</summary>
/// <typeparam name="TOptions">The record of its options.</typeparam>
internal abstract class TrainingVerb<TOptions> : LongVerb<TOptions>
{
    /// <inheritdoc/>
    public sealed override bool RunsInSeveralProcesses => true;

    /// <inheritdoc/>
    protected sealed override string? Stopping => Ranks.AreLaunched ? null : base.Stopping; // a launcher also stops the others when one fails, which has said why

    /// <inheritdoc/>
    protected sealed override async Task<int> RunAsync(TOptions options, CancellationToken cancellation)
    {
        using var ranks = Ranks.Join(cancellation);
        if (ranks.Group.Rank > 0)
        {
            await RankWorker.RunAsync(ranks, cancellation);
            return ExitCode.Done; // launchers end all processes at the first that fails; the first one has more to say
        }

        int exitCode;
        try
        {
            exitCode = await RunAsync(options, ranks, cancellation);
        }
        catch (Exception e)
        {
            ranks.Fail(e);
            throw;
        }

        ranks.End();
        return exitCode;
    }

    /// <inheritdoc cref="Verb.RunAsync"/>
    /// <param name="options">The record of its options.</param>
    /// <param name="ranks">The processes that train; this one leads.</param>
    /// <param name="cancellation">Stops the work.</param>
    protected abstract Task<int> RunAsync(TOptions options, Ranks ranks, CancellationToken cancellation);
}
