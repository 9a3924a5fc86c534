using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>Clipping by the global norm (Pascanu, Mikolov and Bengio 2013, arXiv 1211.5063): all gradients, as one vector, have at most a given norm.</summary>
public static class GradientClipping
{
    // As in libtorch; keeps the quotient finite where every gradient is zero.
    private const float Epsilon = 1e-6f;

    /// <summary>Scales the gradients jointly.</summary>
    /// <param name="gradients">Float32 of any shapes.</param>
    /// <param name="maxNorm">The largest norm.</param>
    /// <returns>The scaled gradients, and their norm before scaling, a scalar.</returns>
    public static (IReadOnlyList<Value> Gradients, Value Norm) ByGlobalNorm(IReadOnlyList<Value> gradients, double maxNorm)
    {
        var norm = Sqrt(gradients.Select(gradient => Sum(Square(gradient))).Aggregate((sum, term) => sum + term));
        var scale = Min((float)maxNorm / (norm + Epsilon), 1f);
        return ([.. gradients.Select(gradient => gradient * scale)], norm);
    }
}
