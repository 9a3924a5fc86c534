using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Likelihoods that depend on the decoder's output only through the image y(z).</summary>
/// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
public abstract class MeanPixels(PixelMean pixelMean) : Likelihood
{
    /// <summary>How y(z) follows from the decoder's output.</summary>
    public PixelMean PixelMean => pixelMean;

    /// <inheritdoc/>
    public sealed override Value Mean(Value output) => PixelMean == PixelMean.Sigmoid ? Sigmoid(output) : output;

    /// <inheritdoc/>
    public sealed override Value Image(Value output) => PixelMean == PixelMean.Sigmoid ? Mean(output) : Clip(Mean(output), 0, 1);
}
