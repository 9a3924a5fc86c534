using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Independent Gaussian pixels with one fixed standard deviation; the mean is the sigmoid of the decoder's output.</summary>
/// <remarks>-ln P(y|z) = d/2 ln(2 pi sigma^2) + |y - y(z)|^2 / (2 sigma^2).</remarks>
public sealed record GaussianLikelihood : Likelihood
{
    /// <summary>Sets the standard deviation.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Sigma is not positive.</exception>
    public GaussianLikelihood(double sigma)
    {
        if (!(sigma > 0 && double.IsFinite(sigma)))
        {
            throw new ArgumentOutOfRangeException(null, $"Sigma is {sigma}; the standard deviation of a pixel must be a positive number.");
        }

        StandardDeviation = sigma;
    }

    /// <summary>The standard deviation of a pixel, in units of the pixel range [0, 1].</summary>
    public double StandardDeviation { get; }

    /// <inheritdoc/>
    public override string Name => "gaussian";

    /// <inheritdoc/>
    public override Value Sigma => (float)StandardDeviation;

    /// <inheritdoc/>
    public override Value Mean(Value output) => Sigmoid(output);

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) =>
        GaussianDensity.NegativeLogarithm(SumPerRow(Square(y - Mean(output))), Square(Sigma), y.Shape.ElementCount / y.Shape[0]);
}
