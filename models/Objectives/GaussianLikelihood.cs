using OnnxVae.Exporters.Graph;

namespace OnnxVae.Models.Objectives;

/// <summary>Independent Gaussian pixels with one fixed standard deviation.</summary>
/// <remarks>
/// -ln P(y|z) = d/2 ln(2 pi sigma^2) + lambda |y - y(z)|^2 with lambda = 1 / (2 sigma^2): the squared error of a rate-distortion
/// autoencoder, and a constant.
/// </remarks>
public sealed class GaussianLikelihood : GaussianPixels
{
    /// <summary>Sets the standard deviation.</summary>
    /// <param name="sigma">As the model sees values: in units of the pixel range [0, 1], or after scaling.</param>
    /// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
    /// <exception cref="ArgumentOutOfRangeException">Sigma is not positive.</exception>
    public GaussianLikelihood(double sigma, PixelMean pixelMean = PixelMean.Sigmoid)
        : base(pixelMean)
    {
        if (!(sigma > 0 && double.IsFinite(sigma)))
        {
            throw new ArgumentOutOfRangeException(nameof(sigma), $"Sigma is {sigma}; the standard deviation of a pixel must be a positive number.");
        }

        StandardDeviation = sigma;
    }

    /// <summary>The standard deviation of a value as the model sees it: in units of the pixel range [0, 1], or after scaling.</summary>
    public double StandardDeviation { get; }

    /// <inheritdoc/>
    public override string Name => "gaussian";

    /// <inheritdoc/>
    public override Value Sigma => (float)StandardDeviation;

    /// <inheritdoc/>
    private protected override Value Variance => (float)(StandardDeviation * StandardDeviation);

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output)
    {
        double variance = StandardDeviation * StandardDeviation;
        float normalizer = (float)(0.5 * Dimensions(y) * Math.Log(2 * Math.PI * variance)), lambda = (float)(1 / (2 * variance));
        return (lambda * SquaredError(y, output)) + normalizer;
    }
}
