namespace OnnxVae.Exporters.Graph;

/// <summary>What lies beyond the edge of an image.</summary>
internal enum EdgeRule
{
    /// <summary>The image mirrored at its last pixel, which is not repeated.</summary>
    Reflect,

    /// <summary>The last pixel.</summary>
    Edge,

    /// <summary>The image continued from its opposite end.</summary>
    Wrap,
}
