namespace OnnxVae.Training.Evaluation;

/// <summary>The figures of a validation split during training: means over its images, one draw each, nats unless a metric is measured otherwise.</summary>
/// <param name="Loss">
/// What is minimized, with beta as it will be at the last step: distortion + beta rate; the distortion under the codes for a model of codes; the first metric of any
/// other model. What capacity or free bits add is not part of it.
/// </param>
/// <param name="Rate">E KL(Q(z|y) || P(z)); null for a model without it.</param>
/// <param name="Distortion">E [-ln P(y|z)]; null for a model without it.</param>
public sealed record ValidationFigures(double Loss, double? Rate, double? Distortion)
{
    /// <summary>The names of the figures in the log.</summary>
    public const string LossName = "validationLoss", RateName = "validationRate", DistortionName = "validationDistortion";

    /// <summary>The figures under their names.</summary>
    public IEnumerable<(string Name, double Value)> Named
    {
        get
        {
            (string Name, double? Value)[] all = [(LossName, Loss), (RateName, Rate), (DistortionName, Distortion)];
            return all.Where(figure => figure.Value is not null).Select(figure => (figure.Name, figure.Value!.Value));
        }
    }

    /// <summary>One of the figures; null for a model without it.</summary>
    /// <param name="figure">Which.</param>
    public double? ValueOf(ValidationFigure figure) => figure == ValidationFigure.Distortion ? Distortion : Loss;

    /// <summary>The loss that follows from rate and distortion; null for a model without a distortion.</summary>
    internal static double? LossOf(double? rate, double? distortion, double beta) => distortion + (beta * (rate ?? 0));

    /// <summary>The figures of per-image means.</summary>
    /// <param name="means">The means, by metric, in the program's order.</param>
    /// <param name="beta">The weight of the rate at the last step.</param>
    internal static ValidationFigures Of(IReadOnlyList<(string Name, double Mean)> means, double beta)
    {
        double? rate = MeanOf("rate"), distortion = MeanOf("distortion");
        return new ValidationFigures(LossOf(rate, distortion, beta) ?? means[0].Mean, rate, distortion);

        double? MeanOf(string name) => means.Where(metric => metric.Name == name).Select(metric => (double?)metric.Mean).FirstOrDefault();
    }
}
