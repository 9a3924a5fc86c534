using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>Forward pass, gradients and optimizer as one program.</summary>
/// <param name="Loss">What is minimised, a Float32 scalar; reported as metric <c>loss</c>.</param>
/// <param name="States">Parameters and whatever else the loss reads. The optimizer changes those with role <see cref="StateRole.Parameter"/>.</param>
/// <param name="Optimizer">How it changes them.</param>
public sealed record TrainingStep(Value Loss, IReadOnlyList<State> States, Optimizer Optimizer)
{
    /// <summary>Batch, noise and schedules of the loss.</summary>
    public IReadOnlyList<ProgramInput> Inputs { get; init; } = [];

    /// <summary>Updates of states that are not trained by gradient.</summary>
    public IReadOnlyList<StateUpdate> Updates { get; init; } = [];

    /// <summary>What becomes of parameters that the optimizer has changed.</summary>
    public IReadOnlyList<ParameterRevision> Revisions { get; init; } = [];

    /// <summary>Further results to report.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];

    /// <summary>The largest length of all gradients together, reported as metric <c>gradientNorm</c>; null for no limit.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Averages of the parameters to keep; null for none.</summary>
    public WeightAveraging? Averaging { get; init; }

    /// <summary>Puts the program together.</summary>
    /// <exception cref="ArgumentException">The loss is no scalar.</exception>
    /// <exception cref="NotSupportedException">An operator between loss and parameters has no gradient rule.</exception>
    public Program ToProgram()
    {
        State[] trained = [.. States.Where(state => state.Spec.Role == StateRole.Parameter)];
        var (gradients, metrics) = Clip(Backward.Gradients(Loss, [.. trained.Select(parameter => parameter.Current)]));
        StateUpdate[] updates = [.. Optimize([.. trained.Zip(gradients)]), .. Updates];
        return new Program(
            "step",
            [.. Inputs, .. Optimizer.Schedules, .. Averaging?.Schedules ?? []],
            [.. States.Union(updates.Select(update => update.State))],
            updates,
            [new Metric("loss", MetricRole.Loss, Loss), .. metrics, .. Metrics]);
    }

    private (IReadOnlyList<Value> Gradients, IReadOnlyList<Metric> Metrics) Clip(IReadOnlyList<Value> gradients)
    {
        if (MaxGradientNorm is not { } limit)
        {
            return (gradients, []);
        }

        var (clipped, norm) = GradientClipping.ByGlobalNorm(gradients, limit);
        return (clipped, [new Metric("gradientNorm", MetricRole.Scalar, norm)]);
    }

    private IEnumerable<StateUpdate> Optimize(IReadOnlyList<(State Parameter, Value Gradient)> trained)
    {
        var small = trained.Where(pair => FlattenedUpdate.Contain(pair.Parameter)).ToArray();
        var together = small.Length == 0 ? [] : FlattenedUpdate
            .Update(Optimizer, [.. small.Select(pair => pair.Parameter)], [.. small.Select(pair => pair.Gradient)])
            .ToDictionary(updates => updates[0].State);
        foreach (var (parameter, gradient) in trained)
        {
            var updates = together.GetValueOrDefault(parameter) ?? Optimizer.Update(parameter, gradient);
            if (Revisions.SingleOrDefault(revision => revision.Parameter == parameter) is { } revised)
            {
                updates = [new(parameter, revised.Revise(updates[0].Next)), .. updates.Skip(1)];
            }

            if (Averaging is not null)
            {
                updates = [.. updates, Averaging.Update(updates[0])];
            }

            Node.LabelBetween(
                [gradient, .. updates.Select(update => update.State.Current)], updates.Select(update => update.Next), _ => $"optimizer/{parameter.Spec.Name}");
            foreach (var update in updates)
            {
                yield return update;
            }
        }
    }
}
