using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1):
/// theta' = theta - alpha * (m' / (1 - beta1^t)) / (sqrt(v' / (1 - beta2^t)) + epsilon), with the corrections taken out of the
/// quotient, as at the end of section 2. The states are the sums M = m / (1 - beta1) = beta1 M + g and V = v / (1 - beta2) = beta2 V +
/// g^2, which saves two passes over the gradient.
/// </summary>
public record Adam : Optimizer
{
    private readonly double beta1;
    private readonly double beta2;
    private readonly double weightDecay;
    private readonly ProgramInput firstCorrection;
    private readonly ProgramInput secondCorrection;
    private readonly Value stepSize;
    private readonly Value correctedEpsilon;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="learningRate">alpha.</param>
    /// <param name="beta1">Decay of the gradients' sum M.</param>
    /// <param name="beta2">Decay of the squared gradients' sum V.</param>
    /// <param name="epsilon">Keeps the quotient finite.</param>
    /// <param name="weightDecay">Weight of the squared parameters, whose gradient is added to the loss's.</param>
    public Adam(Schedule learningRate, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
        : base(learningRate)
    {
        (this.beta1, this.beta2, this.weightDecay) = (beta1, beta2, weightDecay);
        firstCorrection = ProgramInput.Scheduled("adam.firstCorrection", new BiasCorrectionSchedule(beta1));
        secondCorrection = ProgramInput.Scheduled("adam.secondCorrection", new BiasCorrectionSchedule(beta2));
        var root = Sqrt(secondCorrection.Value);
        stepSize = LearningRate.Value * root * (float)((1 - beta1) / Math.Sqrt(1 - beta2)) / firstCorrection.Value;
        correctedEpsilon = (float)(epsilon / Math.Sqrt(1 - beta2)) * root;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [LearningRate, firstCorrection, secondCorrection];

    /// <inheritdoc/>
    public override IReadOnlyList<StateUpdate> Update(State parameter, Value gradient)
    {
        var (theta, g) = (Shrunk(parameter), Decayed(gradient, parameter, weightDecay));
        var (m, v) = (Slot("adam.m", parameter), Slot("adam.v", parameter));

        var mNext = ((float)beta1 * m.Current) + g;
        var vNext = ((float)beta2 * v.Current) + Square(g);
        var thetaNext = theta - (stepSize * mNext / (Sqrt(vNext) + correctedEpsilon));

        return [new(parameter, thetaNext), new(m, mNext), new(v, vNext)];
    }

    /// <summary>The parameter that the step starts from.</summary>
    private protected virtual Value Shrunk(State parameter) => parameter.Current;
}
