using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The structural dissimilarity 1 - SSIM, between 0 and 2; not a density, so its ELBO is known only up to a constant.</summary>
/// <remarks>
/// Wang, Bovik, Sheikh and Simoncelli 2004, Image quality assessment: windows of 11 x 11 (smaller if the image is) weighted by a Gaussian
/// of standard deviation 1.5, K1 = 0.01, K2 = 0.03; the mean over all windows inside the image, and over channels.
/// </remarks>
/// <param name="lambda">Nats per unit.</param>
/// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
public sealed class StructuralDissimilarity(double lambda, PixelMean pixelMean = PixelMean.Sigmoid) : RateDistortion(lambda, pixelMean)
{
    private const int LargestWindow = 11;
    private const double WindowSigma = 1.5;
    private const float C1 = 0.01f * 0.01f;
    private const float C2 = 0.03f * 0.03f;

    /// <inheritdoc/>
    public override string Name => "dissimilarity";

    /// <inheritdoc/>
    public override ValueDomain Domain => ValueDomain.UnitRange;

    /// <inheritdoc/>
    public override bool IsForImages => true;

    /// <inheritdoc/>
    public override string MeasureName => Name;

    /// <inheritdoc/>
    public override bool IsNormalized => false;

    /// <inheritdoc/>
    public override Value Measure(Value y, Value reconstruction)
    {
        var (a, b) = (y, reconstruction);
        var (meanA, meanB) = (Blur(a), Blur(b));
        var (varianceA, varianceB) = (Blur(Square(a)) - Square(meanA), Blur(Square(b)) - Square(meanB));
        var covariance = Blur(a * b) - (meanA * meanB);
        var similarity = ((2f * meanA * meanB) + C1) * ((2f * covariance) + C2)
            / ((Square(meanA) + Square(meanB) + C1) * (varianceA + varianceB + C2));
        return 1f - (SumPerRow(similarity) * (1f / Dimensions(similarity)));
    }

    // Means over windows, along rows and then along columns: products with the band matrix of the weights.
    private static Value Blur(Value x) => MatMul(MatMul(Band(x.Shape[2]), x), Transpose(Band(x.Shape[3]), 1, 0));

    // [positions, size]: row i weighs the pixels i ... i + window - 1.
    private static Value Band(long size)
    {
        long window = Math.Min(LargestWindow, size), positions = size - window + 1;
        double[] weights = [.. Enumerable.Range(0, (int)window).Select(k => Math.Exp(-0.5 * Math.Pow((k - ((window - 1) / 2.0)) / WindowSigma, 2)))];
        var band = new float[positions * size];
        for (int i = 0; i < positions; i++)
        {
            for (int k = 0; k < window; k++)
            {
                band[(i * size) + i + k] = (float)(weights[k] / weights.Sum());
            }
        }

        return Value.Of<float>([positions, size], band);
    }
}
