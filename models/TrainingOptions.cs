using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;

namespace OnnxVae.Models;

/// <summary>How any model is trained.</summary>
public sealed record TrainingOptions
{
    /// <summary>N, examples per step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The update rule of the parameters.</summary>
    public required Optimizer Optimizer { get; init; }

    /// <summary>
    /// Parameters that keep their values: parts of the model (<c>encoder</c>, <c>decoder</c>), module paths or names, with <c>*</c> for any characters. Those that
    /// do not require gradients are frozen, too.
    /// </summary>
    public IReadOnlyList<string> Frozen { get; init; } = [];

    /// <summary>
    /// Optimizers of some of the parameters, by names as in <see cref="Frozen"/>: one with a smaller learning rate, for instance. The others have
    /// <see cref="Optimizer"/>. No two may match the same parameter. Their schedules are logged as <c>learningRate.NAME</c>.
    /// </summary>
    public IReadOnlyDictionary<string, Optimizer> Groups { get; init; } = new Dictionary<string, Optimizer>();

    /// <summary>The number of steps that schedules were made for, which a run must then have; null if none depends on it.</summary>
    public long? Steps { get; init; }

    /// <summary>How layers are lowered; it may have rows for custom modules.</summary>
    public LayerTable Layers { get; init; } = LayerTable.Default;

    /// <summary>The gradient rules; they may include rules for custom operators.</summary>
    public GradientTable Gradients { get; init; } = GradientTable.Default;

    /// <summary>The largest global gradient norm; null for no limit.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Decay of the parameters' moving average, which is then evaluated and exported; null for none.</summary>
    public double? WeightAveraging { get; init; }
}
