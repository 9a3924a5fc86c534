using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models;

/// <summary>Batches whose rows have changed places, to ask what a model makes of another example's latents.</summary>
internal static class RowBefore
{
    /// <summary>For each row of a batch, what the row before it has; for the first, what the last one has.</summary>
    /// <param name="x">[N, ...], N at least 2.</param>
    public static Value Of(Value x) => Concat(0, Slice(x, 0, x.Shape[0] - 1, x.Shape[0]), Slice(x, 0, 0, x.Shape[0] - 1));
}
