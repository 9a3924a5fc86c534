namespace OnnxVae.Cli.Terminal;

/// <summary>How a command says that it failed.</summary>
internal static class Failure
{
    /// <summary>Whether messages show where an error comes from.</summary>
    public static bool IsVerbose { get; set; }

    /// <summary>Standard error, also of processes that otherwise say nothing.</summary>
    public static TextWriter Output { get; set; } = TextWriter.Null;

    /// <summary>The message, in one line unless it is verbose.</summary>
    /// <param name="e">The error.</param>
    /// <param name="process">Which process failed, where several work together; null for the only one.</param>
    public static string TextOf(Exception e, string? process = null)
    {
        string text = IsVerbose ? $"{e}" : Explanation.Of(e);
        return process is null ? $"onnxvae: {text}" : $"onnxvae: {process}: {text}";
    }

    /// <summary>The exit code.</summary>
    public static int CodeOf(Exception e) => e is OperationCanceledException ? ExitCode.Interrupted : e is UsageException ? ExitCode.WrongUsage : ExitCode.Failed;
}
