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
    private readonly bool nesterov;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="momentum">mu; 0 for plain gradient descent.</param>
    /// <param name="nesterov">Whether to use Nesterov momentum: the gradient at the point that the momentum leads to.</param>
    /// <param name="weightDecay">Weight of the squared parameters (L2 penalty), whose gradient is added to the loss's.</param>
    public Sgd(Schedule learningRate, double momentum = 0, bool nesterov = false, double weightDecay = 0)
        : base(learningRate) => (Momentum, this.nesterov, WeightDecay) = (momentum, nesterov, weightDecay);

    /// <summary>mu; 0 for plain gradient descent.</summary>
    public double Momentum { get; }

    /// <summary>Weight of the squared parameters, whose gradient is added to the loss's.</summary>
    public double WeightDecay { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient)
    {
        var g = Decayed(gradient, parameter, WeightDecay);
        var (theta, alpha, mu) = (parameter.Current, LearningRate.Value, (float)Momentum);
        if (Momentum == 0)
        {
            return [new(parameter, theta - (alpha * g))];
        }

        var b = Slot("sgd.b", parameter);
        var bNext = (mu * b.Current) + g;
        return [new(parameter, theta - (alpha * (nesterov ? g + (mu * bNext) : bNext))), new(b, bNext)];
    }
}
