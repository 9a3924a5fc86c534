using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// Adamax (Kingma and Ba 2015, arXiv 1412.6980, algorithm 2): theta' = theta - alpha / (1 - beta1^t) m' / u',
/// u' = max(beta2 u, |g| + epsilon).
/// </summary>
public sealed class Adamax : Optimizer
{
    private readonly double beta1;
    private readonly double beta2;
    private readonly double epsilon;
    private readonly double weightDecay;
    private readonly ProgramInput correction;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="beta1">Decay of the gradients' moving average m.</param>
    /// <param name="beta2">Decay of the largest gradient u.</param>
    /// <param name="epsilon">Keeps the quotient finite.</param>
    /// <param name="weightDecay">Weight of the squared parameters (L2 penalty), whose gradient is added to the loss's.</param>
    public Adamax(Schedule learningRate, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
        : base(learningRate)
    {
        (this.beta1, this.beta2, this.epsilon, this.weightDecay) = (beta1, beta2, epsilon, weightDecay);
        correction = ProgramInput.Scheduled("adamax.correction", new BiasCorrectionSchedule(beta1));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [LearningRate, correction];

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient)
    {
        var g = Decayed(gradient, parameter, weightDecay);
        var (m, u) = (Slot("adamax.m", parameter), Slot("adamax.u", parameter));

        var mNext = ((float)beta1 * m.Current) + ((float)(1 - beta1) * g);
        var uNext = Max((float)beta2 * u.Current, Abs(g) + (float)epsilon);
        var thetaNext = parameter.Current - (LearningRate.Value / correction.Value * (mNext / uNext));

        return [new(parameter, thetaNext), new(m, mNext), new(u, uNext)];
    }
}
