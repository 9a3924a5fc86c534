using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>A codebook that is trained by gradient: it minimises |sg(z) - e|^2 + beta |z - sg(e)|^2, sg without gradient.</summary>
/// <remarks>van den Oord et al. 2017, arXiv 1711.00937, equation 3. The codes are uniform in +-1/K at first.</remarks>
public sealed record TrainedCodebook : Codebook
{
    private readonly float commitment;

    /// <summary>Makes a codebook.</summary>
    /// <param name="level">What it is called among the states.</param>
    /// <param name="codes">K.</param>
    /// <param name="dimension">D.</param>
    /// <param name="commitment">beta.</param>
    /// <param name="seed">Chooses the first vectors.</param>
    public TrainedCodebook(string level, int codes, int dimension, double commitment, ulong seed)
        : base(level, codes, dimension, StateRole.Parameter, Uniform(codes, seed)) => this.commitment = (float)commitment;

    /// <inheritdoc/>
    public override string Name => "gradient";

    /// <inheritdoc/>
    public override QuantizedVectors Quantize(Value z)
    {
        var codes = Encode(z);
        var e = Decode(codes);
        return new QuantizedVectors(codes, StraightThrough(StopGradient(e), z), MeanSquare(StopGradient(z), e) + (commitment * MeanSquare(z, StopGradient(e))), [], []);
    }

    private static Func<int, float> Uniform(int codes, ulong seed)
    {
        var random = new Random((int)(seed % int.MaxValue));
        return _ => ((2 * random.NextSingle()) - 1) / codes;
    }
}
