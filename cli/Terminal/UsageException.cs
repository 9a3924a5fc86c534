namespace OnnxVae.Cli.Terminal;

/// <summary>Options that are valid by themselves but not together.</summary>
internal sealed class UsageException(string message) : Exception(message);
