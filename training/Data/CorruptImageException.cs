namespace OnnxVae.Training.Data;

/// <summary>An image that cannot be read.</summary>
public sealed class CorruptImageException : IOException
{
    /// <param name="name">The image's name.</param>
    /// <param name="reason">The reason, as the end of a sentence that starts with the name.</param>
    public CorruptImageException(string name, string reason)
        : base($"'{name}' {reason}: remove it, or leave such files out.") => Reason = reason;

    /// <summary>The reason, as the end of a sentence that starts with the name.</summary>
    public string Reason { get; }
}
