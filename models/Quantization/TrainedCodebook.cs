using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>A codebook that is trained by gradient: it minimizes |sg(z) - e|^2 + beta |z - sg(e)|^2, sg for stop-gradient.</summary>
/// <remarks>van den Oord et al. 2017, arXiv 1711.00937, equation 3.</remarks>
public sealed class TrainedCodebook : Codebook
{
    /// <summary>Creates a codebook.</summary>
    /// <param name="level">Its name among the states.</param>
    /// <param name="codes">K.</param>
    /// <param name="dimension">D.</param>
    /// <param name="commitment">beta.</param>
    /// <param name="decay">The share that is kept at a step of the average number of a code's vectors, which identifies dead codes.</param>
    public TrainedCodebook(string level, int codes, int dimension, double commitment = 0.25, double decay = 0.99)
        : base(level, codes, dimension, commitment, decay, StateRole.Parameter)
    {
    }

    /// <inheritdoc/>
    public override string Name => "gradient";

    /// <inheritdoc/>
    public override QuantizedVectors Quantize(Value z)
    {
        var codes = Encode(z);
        var e = Decode(codes);
        var choices = Count(z, codes);
        var loss = MeanSquare(StopGradient(z), e) + (Commitment * MeanSquare(z, StopGradient(e)));
        return new QuantizedVectors(codes, StraightThrough(StopGradient(e), z), loss)
        {
            Inputs = [choices.Random],
            Updates = [new(choices.State, choices.Counts)],
            Revisions = [new(Vectors, trained => Where(choices.IsDead, choices.Replacements, trained))],
        };
    }
}
