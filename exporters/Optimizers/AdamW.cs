using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2): Adam with decoupled weight decay,
/// theta = theta - alpha lambda theta, rather than a term in the gradient.
/// </summary>
public sealed class AdamW : Optimizer
{
    private readonly AdamRule rule;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="beta1">Decay of the gradients' sum M.</param>
    /// <param name="beta2">Decay of the squared gradients' sum V.</param>
    /// <param name="epsilon">Keeps the quotient finite.</param>
    /// <param name="weightDecay">lambda.</param>
    public AdamW(Schedule learningRate, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 1e-2)
        : base(learningRate) => (rule, WeightDecay) = (new AdamRule(LearningRate, beta1, beta2, epsilon), weightDecay);

    /// <summary>Decay of the gradients' sum.</summary>
    public double Beta1 => rule.Beta1;

    /// <summary>Decay of the squared gradients' sum.</summary>
    public double Beta2 => rule.Beta2;

    /// <summary>Keeps the quotient finite.</summary>
    public double Epsilon => rule.Epsilon;

    /// <summary>lambda.</summary>
    public double WeightDecay { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => rule.Schedules;

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient)
    {
        var shrunk = parameter.Current * (1f - ((float)WeightDecay * LearningRate.Value));
        return rule.Update(parameter, shrunk, gradient, Slot("adam.m", parameter), Slot("adam.v", parameter));
    }
}
