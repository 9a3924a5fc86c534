using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>A codebook e of vectors, of which the nearest one is chosen: k(z) = argmin |z - e_k|.</summary>
/// <remarks>van den Oord, Vinyals and Kavukcuoglu 2017, arXiv 1711.00937, equations 1 to 3.</remarks>
public abstract record Codebook : Quantizer
{
    private protected Codebook(string level, int codes, int dimension, StateRole role, Func<int, float> initial)
    {
        if (codes < 2)
        {
            throw new ArgumentOutOfRangeException(null, $"The codebook has {codes} codes; it needs at least 2.");
        }

        (Codes, Dimension) = (codes, dimension);
        Vectors = State.Create(
            $"codebook.{level}", role, Tensor.From<float>([codes, dimension], [.. Enumerable.Range(0, codes * dimension).Select(initial)]));
    }

    /// <inheritdoc/>
    public sealed override int Codes { get; }

    /// <inheritdoc/>
    public sealed override int Dimension { get; }

    /// <summary>e, Float32 [K, D].</summary>
    public State Vectors { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [Vectors];

    /// <inheritdoc/>
    /// <remarks>|z - e|^2 = |z|^2 - 2 (z e - |e|^2 / 2), and |z|^2 is the same for all codes.</remarks>
    public override Value Encode(Value z)
    {
        var e = StopGradient(Vectors.Current);
        return ArgMax(MatMul(StopGradient(Transpose(z, 0, 2, 3, 1)), Transpose(e, 1, 0)) - (0.5f * ReduceSum(Square(e), [1])), axis: 3);
    }

    /// <inheritdoc/>
    public override Value Decode(Value codes) => Transpose(Gather(Vectors.Current, 0, codes), 0, 3, 1, 2);

    /// <summary>The mean of |a - b|^2 over positions and dimensions.</summary>
    /// <returns>Float32 [N].</returns>
    private protected static Value MeanSquare(Value a, Value b) => SumPerRow(Square(a - b)) * ((float)a.Shape[0] / a.Shape.ElementCount);
}
