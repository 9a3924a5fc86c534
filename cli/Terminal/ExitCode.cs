namespace OnnxVae.Cli.Terminal;

/// <summary>The exit codes of commands; 0 is success.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130; // 128 + SIGINT, as in shells
}
