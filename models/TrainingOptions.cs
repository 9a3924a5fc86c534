using OnnxVae.Exporters.Optimizers;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;

namespace OnnxVae.Models;

/// <summary>How a model is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Optimizer">How the parameters change.</param>
public abstract record ModelTrainingOptions(int BatchSize, Optimizer Optimizer)
{
    /// <summary>The largest length of all gradients together; null for no limit.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Decay of the parameters' moving average, which is then what is evaluated and exported; null for none.</summary>
    public double? WeightAveraging { get; init; }
}

/// <summary>How an autoencoder is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Likelihood">P(y|z).</param>
/// <param name="Optimizer">How the parameters change.</param>
public abstract record AutoencoderTrainingOptions(int BatchSize, Likelihood Likelihood, Optimizer Optimizer) : ModelTrainingOptions(BatchSize, Optimizer)
{
    /// <summary>What the model sees of the pixels.</summary>
    public PixelPreparation Pixels { get; init; }
}

/// <summary>How a VAE is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Likelihood">P(y|z).</param>
/// <param name="Objective">What is minimised.</param>
/// <param name="Optimizer">How the parameters change.</param>
public sealed record VaeTrainingOptions(int BatchSize, Likelihood Likelihood, Objective Objective, Optimizer Optimizer)
    : AutoencoderTrainingOptions(BatchSize, Likelihood, Optimizer)
{
    /// <summary>P(z).</summary>
    public Prior Prior { get; init; } = new StandardNormalPrior();
}

/// <summary>How an autoencoder with codes is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Likelihood">P(y|z).</param>
/// <param name="Bottom">Quantizes the bottom level.</param>
/// <param name="Optimizer">How the parameters change.</param>
public sealed record VqVaeTrainingOptions(int BatchSize, Likelihood Likelihood, Quantizer Bottom, Optimizer Optimizer)
    : AutoencoderTrainingOptions(BatchSize, Likelihood, Optimizer)
{
    /// <summary>Quantizes the top level; null for a model with one level.</summary>
    public Quantizer? Top { get; init; }
}

/// <summary>How a prior of codes is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Optimizer">How the parameters change.</param>
/// <param name="LabelDropout">The share of images whose class is hidden, so that the prior also knows images of no named class.</param>
public sealed record CodePriorTrainingOptions(int BatchSize, Optimizer Optimizer, double LabelDropout = 0.1) : ModelTrainingOptions(BatchSize, Optimizer)
{
    /// <summary>The share of each class among the training images, by which classes are drawn where none is asked for; empty for equal shares.</summary>
    public IReadOnlyList<double> ClassFrequencies { get; init; } = [];
}

/// <summary>How a classifier is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Optimizer">How the parameters change.</param>
public sealed record ClassifierTrainingOptions(int BatchSize, Optimizer Optimizer) : ModelTrainingOptions(BatchSize, Optimizer);
