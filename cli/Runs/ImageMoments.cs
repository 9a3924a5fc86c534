using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Models.Exact;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Runs;

/// <summary>Mean and covariance of the pixels of images, for exact models.</summary>
internal static class ImageMoments
{
    /// <summary>The largest images, in values: beyond this, computing eigenvalues takes minutes.</summary>
    public const int MostDimensions = 1600;

    /// <summary>Computes both.</summary>
    /// <param name="images">The images; pixels count from 0 to 1.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static (Vector<double> Mean, Matrix<double> Covariance) Of(ImageSource images, CancellationToken cancellation) => Moments.Of(Pixels(images, cancellation));

    private static IEnumerable<double[]> Pixels(ImageSource images, CancellationToken cancellation)
    {
        for (long i = 0; i < images.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return [.. ReconstructionGrid.ReadImages(images, i, 1).Select(x => (double)x)];
        }
    }
}
