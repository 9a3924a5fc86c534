using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>An update rule for parameters, as part of the graph. Hyper-parameters have libtorch's defaults.</summary>
public abstract class Optimizer
{
    /// <summary>Sets the step size.</summary>
    /// <param name="learningRate">The step size.</param>
    protected Optimizer(Schedule learningRate) => LearningRate = ProgramInput.Scheduled("learningRate", learningRate);

    /// <summary>The scalars that the rule needs at every step.</summary>
    public virtual IReadOnlyList<ProgramInput> Schedules => [LearningRate];

    /// <summary>The rule's name in lower case, as in manifests.</summary>
    public string Name => GetType().Name.ToLowerInvariant();

    /// <summary>The step size, a scalar.</summary>
    public ProgramInput LearningRate { get; }

    /// <summary>
    /// Whether an element's update depends only on its own gradient and states, not on the rest of the parameter; small parameters are then updated
    /// together, as one vector. A rule that looks at a parameter as a whole (its norm, its rows) must return false.
    /// </summary>
    public virtual bool IsElementwise => true;

    /// <summary>The rule for one parameter.</summary>
    /// <param name="parameter">The parameter, Float32 of any shape.</param>
    /// <param name="gradient">The gradient of the loss with respect to it, of the same shape.</param>
    /// <returns>The parameter's update first, then those of the optimizer's own states.</returns>
    public abstract IReadOnlyList<StateUpdate> Update(State parameter, Value gradient);

    /// <summary>An optimizer state of the parameter's shape, initially zero.</summary>
    protected static State Slot(string name, State parameter) => State.Create(
        $"{name}.{parameter.Spec.Name}", StateRole.Optimizer, Tensor.Zeros(parameter.Spec.Type, parameter.Spec.Shape));

    /// <summary>The gradient plus that of weightDecay / 2 |theta|^2.</summary>
    protected static Value Decayed(Value gradient, State parameter, double weightDecay) =>
        weightDecay == 0 ? gradient : gradient + ((float)weightDecay * parameter.Current);
}
