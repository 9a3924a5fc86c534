using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models;

/// <summary>Batches with shifted rows, to test a model with another example's latents.</summary>
internal static class RowBefore
{
    /// <summary>Replaces each row of a batch with the row before it, and the first with the last.</summary>
    /// <param name="x">[N, ...], N at least 2.</param>
    public static Value Of(Value x) => Concat(0, Slice(x, 0, x.Shape[0] - 1, x.Shape[0]), Slice(x, 0, 0, x.Shape[0] - 1));
}
