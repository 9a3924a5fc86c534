using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// The update of <see cref="Adam"/> and <see cref="AdamW"/>: theta' = theta - alpha * (m' / (1 - beta1^t)) / (sqrt(v' / (1 - beta2^t)) + epsilon), with the
/// corrections moved out of the quotient, as at the end of section 2 of Kingma and Ba 2015. The states are the sums M = m / (1 - beta1) = beta1 M + g and
/// V = v / (1 - beta2) = beta2 V + g^2, which saves two passes over the gradient.
/// </summary>
internal sealed class AdamRule
{
    private readonly ProgramInput learningRate;
    private readonly float beta1;
    private readonly float beta2;
    private readonly ProgramInput firstCorrection;
    private readonly ProgramInput secondCorrection;
    private readonly Value stepSize;
    private readonly Value correctedEpsilon;

    public AdamRule(ProgramInput learningRate, double beta1, double beta2, double epsilon)
    {
        (this.learningRate, this.beta1, this.beta2) = (learningRate, (float)beta1, (float)beta2);
        (Beta1, Beta2, Epsilon) = (beta1, beta2, epsilon);
        firstCorrection = ProgramInput.Scheduled("adam.firstCorrection", new BiasCorrectionSchedule(beta1));
        secondCorrection = ProgramInput.Scheduled("adam.secondCorrection", new BiasCorrectionSchedule(beta2));
        var root = Sqrt(secondCorrection.Value);
        stepSize = learningRate.Value * root * (float)((1 - beta1) / Math.Sqrt(1 - beta2)) / firstCorrection.Value;
        correctedEpsilon = (float)(epsilon / Math.Sqrt(1 - beta2)) * root;
    }

    public double Beta1 { get; }

    public double Beta2 { get; }

    public double Epsilon { get; }

    /// <summary>The scalars that the rule needs at every step.</summary>
    public IReadOnlyList<ProgramInput> Schedules => [learningRate, firstCorrection, secondCorrection];

    /// <summary>The update of a parameter.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="theta">The value that the step starts from.</param>
    /// <param name="g">The gradient.</param>
    /// <param name="m">The state of the gradients' sum.</param>
    /// <param name="v">The state of the squared gradients' sum.</param>
    public IReadOnlyList<StateUpdate> Update(State parameter, Value theta, Value g, State m, State v)
    {
        var mNext = (beta1 * m.Current) + g;
        var vNext = (beta2 * v.Current) + Square(g);
        var thetaNext = theta - (stepSize * mNext / (Sqrt(vNext) + correctedEpsilon));
        return [new(parameter, thetaNext), new(m, mNext), new(v, vNext)];
    }
}
