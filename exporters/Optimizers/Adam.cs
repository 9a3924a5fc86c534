using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).</summary>
public sealed class Adam : Optimizer
{
    private readonly AdamRule rule;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="beta1">Decay of the gradients' sum M.</param>
    /// <param name="beta2">Decay of the squared gradients' sum V.</param>
    /// <param name="epsilon">Keeps the quotient finite.</param>
    /// <param name="weightDecay">Weight of the squared parameters (L2 penalty), whose gradient is added to the loss's.</param>
    public Adam(Schedule learningRate, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
        : base(learningRate) => (rule, WeightDecay) = (new AdamRule(LearningRate, beta1, beta2, epsilon), weightDecay);

    /// <summary>Decay of the gradients' sum.</summary>
    public double Beta1 => rule.Beta1;

    /// <summary>Decay of the squared gradients' sum.</summary>
    public double Beta2 => rule.Beta2;

    /// <summary>Keeps the quotient finite.</summary>
    public double Epsilon => rule.Epsilon;

    /// <summary>Weight of the squared parameters.</summary>
    public double WeightDecay { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => rule.Schedules;

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient) =>
        rule.Update(parameter, parameter.Current, Decayed(gradient, parameter, WeightDecay), Slot("adam.m", parameter), Slot("adam.v", parameter));
}
