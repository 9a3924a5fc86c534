using OnnxVae.Exporters.Optimizers;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Models;

/// <summary>How a VAE is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Likelihood">P(y|z).</param>
/// <param name="Objective">What is minimised.</param>
/// <param name="Optimizer">How the parameters change.</param>
public sealed record VaeTrainingOptions(int BatchSize, Likelihood Likelihood, Objective Objective, Optimizer Optimizer)
{
    /// <summary>P(z).</summary>
    public Prior Prior { get; init; } = new StandardNormalPrior();

    /// <summary>What the model sees of the pixels.</summary>
    public PixelPreparation Pixels { get; init; }

    /// <summary>The largest length of all gradients together; null for no limit.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Decay of the parameters' moving average, which is then what is evaluated and exported; null for none.</summary>
    public double? WeightAveraging { get; init; }
}
