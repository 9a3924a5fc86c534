namespace OnnxVae.Format;

/// <summary>The kinds of conditions, as in the metadata of exported files (<see cref="MetadataKeys.Condition"/>).</summary>
internal static class ConditionKinds
{
    /// <summary>A class, as one-hot vectors.</summary>
    public const string Label = "label";

    /// <summary>A vector of numbers.</summary>
    public const string Vector = "vector";

    /// <summary>The visible pixels of an image, and which they are.</summary>
    public const string Mask = "mask";

    /// <summary>The name of the input that takes conditions, Float32 [N, ...].</summary>
    public const string Input = "condition";
}
