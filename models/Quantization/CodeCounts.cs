using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>How often codes occur.</summary>
public static class CodeCounts
{
    /// <summary>How often each code occurs in the grid of each image.</summary>
    /// <param name="codes">Int64 [N, H, W].</param>
    /// <param name="count">K.</param>
    /// <returns>Float32 [N, K].</returns>
    public static Value PerImage(Value codes, int count) => ReduceSum(OneHot(codes, count), [1, 2]);

    /// <summary>The perplexity of a batch's codes, the equivalent number of equally frequent codes: exp of the entropy of their frequencies.</summary>
    /// <param name="codes">Int64 [N, H, W].</param>
    /// <param name="count">K.</param>
    /// <returns>Float32 scalar, from 1 to K.</returns>
    public static Value Perplexity(Value codes, int count)
    {
        var shares = ReduceSum(PerImage(codes, count), [0]) * (1f / codes.Shape.ElementCount);
        return Exp(-Sum(shares * Log(Max(shares, 1e-10f))));
    }
}
