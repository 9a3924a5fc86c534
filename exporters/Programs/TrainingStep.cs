using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;

namespace OnnxVae.Exporters.Programs;

/// <summary>Puts forward pass, gradients and optimizer together into one program.</summary>
public static class TrainingStep
{
    /// <summary>Makes the program that minimises a loss.</summary>
    /// <param name="loss">Float32 scalar; reported as metric <c>loss</c>.</param>
    /// <param name="parameters">What the optimizer changes; frozen ones it leaves alone.</param>
    /// <param name="optimizer">How it changes them.</param>
    /// <param name="inputs">Batch, noise and schedules of the loss.</param>
    /// <param name="statistics">Updates of states that are not trained by gradient.</param>
    /// <param name="metrics">Further results to report.</param>
    public static Program Create(
        Value loss,
        IReadOnlyList<State> parameters,
        Optimizer optimizer,
        IReadOnlyList<ProgramInput> inputs,
        IReadOnlyList<StateUpdate> statistics,
        IReadOnlyList<Metric> metrics)
    {
        State[] trained = [.. parameters.Where(parameter => parameter.Spec.Role == StateRole.Parameter)];
        var gradients = Backward.Gradients(loss, [.. trained.Select(parameter => parameter.Current)]);
        StateUpdate[] updates = [.. trained.Zip(gradients).SelectMany(pair => Optimize(optimizer, pair.First, pair.Second)), .. statistics];
        return new Program(
            "step",
            [.. inputs, .. optimizer.Schedules],
            [.. parameters.Union(updates.Select(update => update.State))],
            updates,
            [new Metric("loss", MetricRole.Loss, loss), .. metrics]);
    }

    private static IReadOnlyList<StateUpdate> Optimize(Optimizer optimizer, State parameter, Value gradient)
    {
        var updates = optimizer.Update(parameter, gradient);
        Node.LabelBetween(
            [gradient, .. updates.Select(update => update.State.Current)], updates.Select(update => update.Next), _ => $"optimizer/{parameter.Spec.Name}");
        return updates;
    }
}
