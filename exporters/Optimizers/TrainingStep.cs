using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>Forward pass, gradients and optimizer as one program.</summary>
/// <param name="Loss">The loss to minimize, a Float32 scalar; reported as metric <c>loss</c>.</param>
/// <param name="States">Parameters and whatever else the loss reads. Those with role <see cref="StateRole.Parameter"/> are trained, frozen ones are not.</param>
/// <param name="Optimizer">Updates the parameters that are in none of the <see cref="Groups"/>.</param>
public sealed record TrainingStep(Value Loss, IReadOnlyList<State> States, Optimizer Optimizer)
{
    /// <summary>Parameters with an optimizer of their own, or a loss of their own.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];

    /// <summary>The gradient rules.</summary>
    public GradientTable Gradients { get; init; } = GradientTable.Default;

    /// <summary>Batch, noise and schedules of the loss.</summary>
    public IReadOnlyList<ProgramInput> Inputs { get; init; } = [];

    /// <summary>Updates of states that are not trained by gradient.</summary>
    public IReadOnlyList<StateUpdate> Updates { get; init; } = [];

    /// <summary>Changes to parameters after the optimizer's update.</summary>
    public IReadOnlyList<ParameterRevision> Revisions { get; init; } = [];

    /// <summary>Further results to report.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];

    /// <summary>
    /// The largest global gradient norm; null for no limit. The norm is reported as metric <c>gradientNorm</c>, the share of steps so far whose gradient
    /// was clipped as <c>clipped</c>.
    /// </summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Averages of the parameters to keep; null for none.</summary>
    public WeightAveraging? Averaging { get; init; }

    /// <summary>Builds the program.</summary>
    /// <exception cref="ArgumentException">A loss is not a scalar, or does not depend on a parameter that it trains; or a parameter is in two groups.</exception>
    /// <exception cref="NotSupportedException">An operator between loss and parameters has no gradient rule.</exception>
    public Program ToProgram()
    {
        var groups = AllGroups();
        var update = Update(groups, [.. groups.SelectMany(GradientsOf)]);
        StateUpdate[] updates = [.. update.Updates, .. Updates];
        return new Program(
            "step", [.. Inputs, .. update.Schedules], [.. States.Union(updates.Select(change => change.State))], updates,
            [new Metric("loss", MetricRole.Loss, Loss), .. OwnLosses(), .. update.Metrics, .. Metrics]);
    }

    /// <summary>
    /// Builds the step as two programs, for batches in parts. <c>gradients</c> takes a part and changes no state; its metrics of the roles
    /// <see cref="MetricRole.MeanOverParts"/>, <see cref="MetricRole.SumOverParts"/> and <see cref="MetricRole.OfFirstPart"/> are reduced over all parts. <c>apply</c>
    /// takes the results as inputs of the same names, and updates all states.
    /// </summary>
    /// <remarks>
    /// Gradients are means over parts, as the loss is one over the batch. A state's own update is summed where it says so (<see cref="Ops.SumOverParts"/>); one that
    /// depends on the batch otherwise, such as a running average, is the mean of the parts' updates.
    /// </remarks>
    /// <inheritdoc cref="ToProgram" path="/exception"/>
    public SplitStep ToSplit()
    {
        var groups = AllGroups();
        var contributions = new PartContributions(Inputs);
        var parameters = groups.SelectMany(group => group.Parameters);
        Value[] gradients = [.. groups.SelectMany(GradientsOf).Zip(parameters, (gradient, parameter) => contributions.Add($"gradient.{parameter.Spec.Name}", MetricRole.MeanOverParts, gradient))];
        var update = Update(groups, gradients);
        var updates = contributions.Separate([.. update.Updates, .. Updates]);
        var ofLoss = new Program(
            "gradients", Inputs, States, [], [new Metric("loss", MetricRole.Loss, Loss), .. OwnLosses(), .. Metrics, .. contributions.Results]);
        var apply = new Program(
            "apply", [.. contributions.Inputs, .. Inputs.Where(input => input.Spec.Role == InputRole.Schedule), .. update.Schedules],
            [.. States.Union(updates.Select(change => change.State))], updates, update.Metrics);
        return new SplitStep(ofLoss, apply);
    }

    // The optimizers' updates for given gradients, one for each parameter of each group.
    private (IReadOnlyList<StateUpdate> Updates, IReadOnlyList<ProgramInput> Schedules, IReadOnlyList<Metric> Metrics) Update(IReadOnlyList<ParameterGroup> groups, Value[] gradients)
    {
        var (clipped, updates, metrics, schedules) = Clip(gradients);
        int first = 0;
        foreach (var group in groups)
        {
            var (changes, scalars) = group.WithOwnSchedules([.. Optimize(group.Optimizer, [.. group.Parameters.Zip(clipped.Skip(first))])]);
            updates.AddRange(changes);
            schedules.AddRange(scalars);
            first += group.Parameters.Count;
        }

        return (updates, [.. schedules, .. Averaging?.Schedules ?? []], metrics);
    }

    // The parameters that are in no group come first.
    private IReadOnlyList<ParameterGroup> AllGroups()
    {
        State[] trained = [.. States.Where(state => state.Spec.Role == StateRole.Parameter)], grouped = [.. Groups.SelectMany(group => group.Parameters)];
        return grouped.FirstOrDefault(parameter => !trained.Contains(parameter)) is { } foreign
                ? throw new ArgumentException($"'{foreign.Spec.Name}' is in a group, but is not a trained parameter: remove it from the group.", nameof(Groups))
            : grouped.GroupBy(parameter => parameter).FirstOrDefault(same => same.Count() > 1) is { } twice
                ? throw new ArgumentException($"'{twice.Key.Spec.Name}' is in two groups: keep it in one.", nameof(Groups))
            : [new ParameterGroup("", [.. trained.Except(grouped)], Optimizer), .. Groups];
    }

    private IEnumerable<Value> GradientsOf(ParameterGroup group)
    {
        var gradients = Backward.Reached(group.Loss ?? Loss, [.. group.Parameters.Select(parameter => parameter.Current)], Gradients);
        return group.Parameters.Zip(gradients, (parameter, gradient) => gradient ?? throw new ArgumentException(
            $"The loss does not depend on the parameter '{parameter.Spec.Name}', which would never be trained: freeze it (requires_grad = false), or leave its module out."));
    }

    private IEnumerable<Metric> OwnLosses() => Groups.Where(group => group.Loss is not null).Select(group => new Metric($"loss.{group.Name}", MetricRole.Scalar, group.Loss!));

    private (IReadOnlyList<Value> Gradients, List<StateUpdate> Updates, IReadOnlyList<Metric> Metrics, List<ProgramInput> Schedules) Clip(IReadOnlyList<Value> gradients)
    {
        if (MaxGradientNorm is not { } limit)
        {
            return (gradients, [], [], []);
        }

        // The share of steps is the mean over them: share + (1 or 0 - share) / step.
        var (clipped, norm) = GradientClipping.ByGlobalNorm(gradients, limit);
        var share = State.Create(StateNames.ClippedShare, StateRole.Optimizer, Tensor.Zeros(ElementType.Float32, Shape.Scalar));
        var newest = ProgramInput.Scheduled($"{StateNames.ClippedShare}.newest", new AveragingSchedule(Decay: 1));
        var next = share.Current + (newest.Value * (Where(Greater(norm, (float)limit), 1f, 0f) - share.Current));
        return (clipped, [new(share, next)], [new Metric("gradientNorm", MetricRole.Scalar, norm), new Metric(StateNames.ClippedShare, MetricRole.Scalar, next)], [newest]);
    }

    private IEnumerable<StateUpdate> Optimize(Optimizer optimizer, IReadOnlyList<(State Parameter, Value Gradient)> trained)
    {
        var small = trained.Where(pair => FlattenedUpdate.Takes(optimizer, pair.Parameter)).ToArray();
        var together = small.Length == 0 ? [] : FlattenedUpdate
            .Update(optimizer, [.. small.Select(pair => pair.Parameter)], [.. small.Select(pair => pair.Gradient)])
            .ToDictionary(updates => updates[0].State);
        foreach (var (parameter, gradient) in trained)
        {
            var updates = together.GetValueOrDefault(parameter) ?? optimizer.Update(parameter, gradient);
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
