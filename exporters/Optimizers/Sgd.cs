using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's (1983; as in Sutskever et al. 2013):
/// b' = mu b + g; theta' = theta - alpha b', or theta - alpha (g + mu b') after Nesterov.
/// </summary>
public sealed class Sgd : Optimizer
{
    private readonly double momentum;
    private readonly bool nesterov;
    private readonly double weightDecay;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="momentum">mu; 0 for plain gradient descent.</param>
    /// <param name="nesterov">Whether to use Nesterov momentum: the gradient at the point that the momentum leads to.</param>
    /// <param name="weightDecay">Weight of the squared parameters (L2 penalty), whose gradient is added to the loss's.</param>
    public Sgd(Schedule learningRate, double momentum = 0, bool nesterov = false, double weightDecay = 0)
        : base(learningRate) => (this.momentum, this.nesterov, this.weightDecay) = (momentum, nesterov, weightDecay);

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient)
    {
        var g = Decayed(gradient, parameter, weightDecay);
        var (theta, alpha, mu) = (parameter.Current, LearningRate.Value, (float)momentum);
        if (momentum == 0)
        {
            return [new(parameter, theta - (alpha * g))];
        }

        var b = Slot("sgd.b", parameter);
        var bNext = (mu * b.Current) + g;
        return [new(parameter, theta - (alpha * (nesterov ? g + (mu * bNext) : bNext))), new(b, bNext)];
    }
}
