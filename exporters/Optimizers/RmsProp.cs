using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// RMSprop (Tieleman and Hinton 2012, Neural Networks for Machine Learning, lecture 6.5):
/// v' = rho v + (1 - rho) g^2; theta' = theta - alpha g / (sqrt(v') + epsilon), with momentum as in SGD.
/// </summary>
public sealed class RmsProp : Optimizer
{
    private readonly double rho;
    private readonly double epsilon;
    private readonly double momentum;
    private readonly double weightDecay;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="rho">Decay of the squared gradients' moving average v.</param>
    /// <param name="epsilon">Keeps the quotient finite.</param>
    /// <param name="momentum">Decay of the sum of steps; 0 for none.</param>
    /// <param name="weightDecay">Weight of the squared parameters (L2 penalty), whose gradient is added to the loss's.</param>
    public RmsProp(Schedule learningRate, double rho = 0.99, double epsilon = 1e-8, double momentum = 0, double weightDecay = 0)
        : base(learningRate) =>
        (this.rho, this.epsilon, this.momentum, this.weightDecay) = (rho, epsilon, momentum, weightDecay);

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient)
    {
        var g = Decayed(gradient, parameter, weightDecay);
        var v = Slot("rmsprop.v", parameter);

        var vNext = ((float)rho * v.Current) + ((float)(1 - rho) * Square(g));
        var scaled = g / (Sqrt(vNext) + (float)epsilon);
        if (momentum == 0)
        {
            return [new(parameter, parameter.Current - (LearningRate.Value * scaled)), new(v, vNext)];
        }

        var b = Slot("rmsprop.b", parameter);
        var bNext = ((float)momentum * b.Current) + scaled;
        return [new(parameter, parameter.Current - (LearningRate.Value * bNext)), new(v, vNext), new(b, bNext)];
    }
}
