using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>
/// Updates many small parameters as one vector: for biases and the like, an operation costs more to launch than to compute. Elementwise
/// rules give the same result; states remain those of single parameters.
/// </summary>
internal static class FlattenedUpdate
{
    private const long LargestSize = 4096;

    /// <summary>Whether a parameter is better updated together with others.</summary>
    public static bool Takes(Optimizer optimizer, State parameter) => optimizer.IsElementwise && parameter.Spec.Shape.ElementCount <= LargestSize;

    /// <summary>The update rule of an optimizer for several parameters together.</summary>
    /// <returns>For each parameter its update first, then those of the optimizer's states.</returns>
    public static IEnumerable<IReadOnlyList<StateUpdate>> Update(Optimizer optimizer, IReadOnlyList<State> parameters, IReadOnlyList<Value> gradients)
    {
        const string together = "together";
        var all = State.Create(together, StateRole.Parameter, Tensor.Zeros(ElementType.Float32, [parameters.Sum(parameter => parameter.Spec.Shape.ElementCount)]));
        var updates = optimizer.Update(all, Joined(gradients));

        // The state that the rule sees is the single ones, concatenated.
        var single = updates.Select(update => parameters.Select(parameter => update.State == all ? parameter : State.Create(
            update.State.Spec.Name.Replace(together, parameter.Spec.Name, StringComparison.Ordinal), update.State.Spec.Role,
            Tensor.Zeros(ElementType.Float32, parameter.Spec.Shape))).ToArray()).ToArray();
        var joined = updates.Zip(single).ToDictionary(pair => pair.First.State.Current, pair => Joined([.. pair.Second.Select(state => state.Current)]));
        var next = GraphRewriter.Substitute([.. updates.Select(update => update.Next)], leaf => joined.GetValueOrDefault(leaf, leaf));

        long start = 0;
        for (int i = 0; i < parameters.Count; i++)
        {
            var (shape, end) = (parameters[i].Spec.Shape, start + parameters[i].Spec.Shape.ElementCount);
            yield return [.. next.Zip(single, (value, states) => new StateUpdate(states[i], Reshape(Slice(value, 0, start, end), shape)))];
            start = end;
        }
    }

    private static Value Joined(IReadOnlyList<Value> values) => Concat(0, [.. values.Select(value => Reshape(value, [value.Shape.ElementCount]))]);
}
