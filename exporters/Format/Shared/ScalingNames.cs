namespace OnnxVae.Format;

/// <summary>How real numbers are scaled, in options and in the metadata of exported files.</summary>
internal static class ScalingNames
{
    /// <summary>They are taken as they are.</summary>
    public const string None = "none";

    /// <summary>To mean 0 and standard deviation 1.</summary>
    public const string Standard = "standard";

    /// <summary>To the range from 0 to 1.</summary>
    public const string MinMax = "minmax";
}
