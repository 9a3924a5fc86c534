using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Models.Objectives;

/// <summary>P(y|z): how likely an example is, given the decoder's output.</summary>
public abstract class Likelihood
{
    /// <summary>The name in descriptions of models.</summary>
    public abstract string Name { get; }

    /// <summary>The likelihood's own parameters and statistics; usually none.</summary>
    public virtual IReadOnlyList<State> States => [];

    /// <summary>The standard deviation of a pixel, Float32 scalar, for likelihoods that have one.</summary>
    public virtual Value? Sigma => null;

    /// <summary>Metrics of the likelihood's states that training and evaluation report.</summary>
    internal IReadOnlyList<Metric> StateMetrics => Sigma is { } sigma ? [new Metric("sigma", MetricRole.Scalar, sigma)] : [];

    /// <summary>Whether P(y|z) sums to one over examples, so that likelihoods are comparable; otherwise it is known only up to a factor.</summary>
    public virtual bool IsNormalized => true;

    /// <summary>Whether training must take one sample of the latents per image: several, weighted against each other, would not have this likelihood's gradient.</summary>
    public virtual bool IsForOneSample => false;

    /// <summary>Whether training must take all values of an image, and not the hidden ones alone.</summary>
    public virtual bool IsForWholeImages => false;

    /// <summary>The values that it is for.</summary>
    public virtual ValueDomain Domain => ValueDomain.RealNumbers;

    /// <summary>Whether it is for images, [C, H, W], alone.</summary>
    public virtual bool IsForImages => false;

    /// <summary>The mean of P(y|z), which is the generated example.</summary>
    /// <param name="output">The decoder's output, Float32 [N, C, ...].</param>
    /// <returns>Float32 [N, C, ...], as the model sees examples.</returns>
    public abstract Value Mean(Value output);

    /// <summary>The distortion (reconstruction loss) -ln P(y|z), summed over all values of an example.</summary>
    /// <param name="y">The examples as the model sees them, Float32 [N, C, ...].</param>
    /// <param name="output">The decoder's output, Float32 [N, C, ...].</param>
    /// <returns>Float32 [N], nats per example.</returns>
    public abstract Value Distortion(Value y, Value output);

    /// <summary>The distortion of each value of the example, for likelihoods in which they are independent given z.</summary>
    /// <inheritdoc cref="Distortion"/>
    /// <returns>Float32 [N, C, ...], nats; null for other likelihoods.</returns>
    public virtual Value? ValueDistortions(Value y, Value output) => null;

    /// <summary>The example that the decoder outputs where values are in [0, 1]: the mean, within that range.</summary>
    /// <inheritdoc cref="Mean"/>
    public virtual Value Image(Value output) => Mean(output);

    /// <summary>-ln P(y|z) as it is minimized, with what a training step changes besides parameters.</summary>
    public virtual TrainingDistortion TrainingDistortion(Value y, Value output) => new(Distortion(y, output), [], []);

    /// <summary>d, the number of values in an example; the batch may be symbolic.</summary>
    private protected static long Dimensions(Value y) => y.Shape.ElementCount / Math.Abs(y.Shape[0]);
}

/// <summary>A likelihood's part in a training step.</summary>
/// <param name="PerImage">-ln P(y|z), Float32 [N], nats per image.</param>
/// <param name="Inputs">Schedules that it needs.</param>
/// <param name="Updates">States that the step changes.</param>
public sealed record TrainingDistortion(Value PerImage, IReadOnlyList<ProgramInput> Inputs, IReadOnlyList<StateUpdate> Updates);
