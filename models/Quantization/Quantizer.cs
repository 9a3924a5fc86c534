using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Models.Quantization;

/// <summary>A finite set of K vectors of D numbers, and the choice of one of them for each position of a grid.</summary>
public abstract class Quantizer
{
    /// <summary>The name in descriptions of models.</summary>
    public abstract string Name { get; }

    /// <summary>K, the number of codes.</summary>
    public abstract int Codes { get; }

    /// <summary>D, the length of a vector.</summary>
    public abstract int Dimension { get; }

    /// <summary>The codebook and the states that keep it up to date; none if it is fixed.</summary>
    public virtual IReadOnlyList<State> States => [];

    /// <summary>The codes of vectors, without a gradient.</summary>
    /// <param name="z">Float32 [N, D, H, W].</param>
    /// <returns>Int64 [N, H, W], from 0 to K - 1.</returns>
    public abstract Value Encode(Value z);

    /// <summary>The vectors of codes.</summary>
    /// <param name="codes">Int64 [N, H, W], from 0 to K - 1.</param>
    /// <returns>Float32 [N, D, H, W].</returns>
    public abstract Value Decode(Value codes);

    /// <summary>Quantizes vectors in a training step.</summary>
    /// <param name="z">Float32 [N, D, H, W].</param>
    public abstract QuantizedVectors Quantize(Value z);
}

/// <summary>Vectors that were quantized in a training step.</summary>
/// <param name="Codes">Int64 [N, H, W].</param>
/// <param name="Vectors">The codes' vectors, Float32 [N, D, H, W]; their gradient passes unchanged to the vectors that were quantized.</param>
/// <param name="Loss">The loss that keeps vectors and codebook together, Float32 [N], a mean over positions and dimensions.</param>
public sealed record QuantizedVectors(Value Codes, Value Vectors, Value Loss)
{
    /// <summary>Noise that it needs.</summary>
    public IReadOnlyList<ProgramInput> Inputs { get; init; } = [];

    /// <summary>States that the step changes.</summary>
    public IReadOnlyList<StateUpdate> Updates { get; init; } = [];

    /// <summary>Changes to parameters after the optimizer's update.</summary>
    public IReadOnlyList<ParameterRevision> Revisions { get; init; } = [];
}
