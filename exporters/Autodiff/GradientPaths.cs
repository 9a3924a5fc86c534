using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Autodiff;

/// <summary>Where gradients can flow: through Float32 values, unless an operator stops them.</summary>
internal static class GradientPaths
{
    /// <summary>The values that carry a gradient to a target: comparisons and indices do not, nor does anything behind StopGradient.</summary>
    public static HashSet<Value> From(IEnumerable<Value> targets, IEnumerable<Value> order)
    {
        var reached = targets.ToHashSet();
        foreach (var y in order)
        {
            if (Carries(y) && y.Inputs.Any(reached.Contains))
            {
                reached.Add(y);
            }
        }

        return reached;
    }

    /// <summary>The values that a gradient of the results could reach.</summary>
    public static HashSet<Value> Into(IReadOnlyList<Value> results)
    {
        var reached = results.Where(result => result.Type == ElementType.Float32).ToHashSet();
        foreach (var y in GraphOrder.Of(results).Reverse())
        {
            if (reached.Contains(y) && Carries(y))
            {
                reached.UnionWith(y.Inputs.Where(input => input.Type == ElementType.Float32));
            }
        }

        return reached;
    }

    // Noise depends only on the shape of its input.
    private static bool Carries(Value y) => y is
    {
        Type: ElementType.Float32, Producer.OperatorType: not (
        Primitive.StopGradient or Primitive.SumOverParts or Primitive.OfFirstPart or "RandomNormal" or "RandomNormalLike" or "RandomUniform" or "RandomUniformLike" or "Bernoulli")
    };
}
