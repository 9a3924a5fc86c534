using System.Globalization;

namespace OnnxVae.Training.Evaluation;

/// <summary>Whether a latent segmentation carries color, segments, or nothing.</summary>
/// <remarks>
/// It carries nothing if the colors are as likely with the segments of another image. Otherwise it carries segments if most of what it gains can be
/// had from the grayscale image alone, that is, with segments drawn from P(z|x) instead of Q(z|x,y); and color if not.
/// </remarks>
internal static class SegmentationVerdict
{
    private const double LeastGain = 0.01; // nats per cell
    private const double MostOfIt = 0.5;

    /// <summary>Reaches a verdict.</summary>
    /// <param name="figures">The other figures.</param>
    /// <param name="fromPrior">The distortion with segments drawn from P(z|x), nats per image.</param>
    /// <param name="seen">I(z; x), nats per cell.</param>
    /// <param name="cells">Cells per image.</param>
    public static string Judge(EvaluationFigures figures, double fromPrior, double seen, double cells)
    {
        if (figures is not { Distortion: { } own, DistortionExchanged: { } exchanged, Rate: { } rate })
        {
            return "not known: with a single image there are no other segments to compare with";
        }

        double gain = (exchanged - own) / cells, lost = (fromPrior - own) / cells;
        string state = string.Create(
            CultureInfo.InvariantCulture,
            $"per cell, the segments of another image cost {gain:0.###} nats, segments drawn from P(z|x) {lost:0.###}; the rate is {rate / cells:0.###}, I(z; x) {seen:0.###}");
        return gain < LeastGain ? $"collapsed, z carries nothing: {state}; try a beta below 1, free bits, or a restricted decoder"
            : lost > MostOfIt * gain ? $"z carries color, which the grayscale image does not tell: {state}"
            : $"z carries segments, which the grayscale image tells: {state}";
    }
}
