namespace OnnxVae.Training.Data;

/// <summary>An image that cannot be read.</summary>
public sealed class CorruptImageException : IOException
{
    /// <param name="name">What the image is called.</param>
    /// <param name="reason">Why, as the end of a sentence that begins with the name.</param>
    public CorruptImageException(string name, string reason)
        : base($"'{name}' {reason}: remove it, or leave such files out.") => Reason = reason;

    /// <summary>Why, as the end of a sentence that begins with the name.</summary>
    public string Reason { get; }
}
