using OnnxVae.Exporters.Graph;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// The distortion (reconstruction loss) of a rate-distortion autoencoder, which minimizes rate + lambda * distortion: a likelihood
/// P(y|z) = exp(-lambda * distortion(y, y(z))) / Z.
/// </summary>
/// <param name="lambda">Nats per unit of distortion.</param>
/// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
public abstract class RateDistortion(double lambda, PixelMean pixelMean) : MeanPixels(pixelMean)
{
    /// <summary>Nats per unit of distortion.</summary>
    public double Lambda => lambda;

    /// <summary>The name of <see cref="Measure"/> among the metrics.</summary>
    public abstract string MeasureName { get; }

    /// <summary>The distortion itself.</summary>
    /// <param name="y">The examples as the model sees them, Float32 [N, C, ...].</param>
    /// <param name="reconstruction">y(z), Float32 [N, C, ...].</param>
    /// <returns>Float32 [N].</returns>
    public abstract Value Measure(Value y, Value reconstruction);

    /// <summary>The distortion of each value, if it is a sum over values.</summary>
    /// <inheritdoc cref="Measure"/>
    /// <returns>Float32 [N, C, ...]; null for other distortions.</returns>
    public virtual Value? ValueMeasures(Value y, Value reconstruction) => null;

    /// <summary>ln Z; 0 if it is not known.</summary>
    /// <param name="dimensions">d; ln Z is proportional to it where <see cref="ValueMeasures"/> are known.</param>
    public virtual double LogNormalizer(long dimensions) => 0;

    /// <inheritdoc/>
    public sealed override Value? ValueDistortions(Value y, Value output) =>
        ValueMeasures(y, Mean(output)) is { } measures ? ((float)Lambda * measures) + (float)LogNormalizer(1) : null;

    /// <inheritdoc/>
    public sealed override Value Distortion(Value y, Value output) =>
        ((float)Lambda * Measure(y, Mean(output))) + (float)LogNormalizer(Dimensions(y));
}
