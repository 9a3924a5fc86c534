namespace OnnxVae.Models.Objectives;

/// <summary>How a pixel's mean follows from the decoder's output.</summary>
public enum PixelMean
{
    /// <summary>The sigmoid of the output, so that it is in (0, 1).</summary>
    Sigmoid,

    /// <summary>The output itself, as in linear models.</summary>
    Identity,
}
