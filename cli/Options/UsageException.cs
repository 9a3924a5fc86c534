namespace OnnxVae.Cli.Options;

/// <summary>Options that are understood but do not go together.</summary>
internal sealed class UsageException(string message) : Exception(message);
