using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;

namespace OnnxVae.Models;

/// <summary>How a model is trained, whatever it is.</summary>
public sealed record TrainingOptions
{
    /// <summary>N, examples per step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>How the parameters change.</summary>
    public required Optimizer Optimizer { get; init; }

    /// <summary>The steps that schedules were made for, which a run must then have; null where none depends on them.</summary>
    public long? Steps { get; init; }

    /// <summary>How layers are lowered: with rows for modules of one's own.</summary>
    public LayerTable Layers { get; init; } = LayerTable.Default;

    /// <summary>The gradient rules: with rules for operators of one's own.</summary>
    public GradientTable Gradients { get; init; } = GradientTable.Default;

    /// <summary>The largest length of all gradients together; null for no limit.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Decay of the parameters' moving average, which is then what is evaluated and exported; null for none.</summary>
    public double? WeightAveraging { get; init; }
}
