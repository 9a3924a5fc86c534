using OnnxVae.Cli.Options;
using OnnxVae.Models.Quantization;

namespace OnnxVae.Cli.Models;

/// <summary>Quantizers by name.</summary>
internal sealed class Quantizers : INamed
{
    /// <summary>The quantizer without a codebook.</summary>
    public const string FiniteScalar = "finite-scalar";

    private static readonly Dictionary<string, Func<ModelOptions, string, Quantizer>> Table = new()
    {
        ["moving-average"] = (options, level) => new MovingAverageCodebook(level, options.Codes, options.CodeLength, options.Commitment, options.CodebookDecay),
        ["gradient"] = (options, level) => new TrainedCodebook(level, options.Codes, options.CodeLength, options.Commitment, options.CodebookDecay),
        [FiniteScalar] = (options, _) => new FiniteScalarQuantizer(NumbersAttribute.Parse(options.ScalarLevels)),
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Creates the quantizer that options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="level">The level's name among the states.</param>
    public static Quantizer Create(ModelOptions options, string level) => Table[options.Quantizer](options, level);
}

/// <content>Models with codes.</content>
internal sealed partial record ModelOptions
{
    private static readonly string[] OfCodebooks = [nameof(Codes), nameof(CodeLength), nameof(Commitment), nameof(CodebookDecay)];

    [Option(Topic.Codes, "How vectors become codes, for --model vqvae and vqvae2."), Among<Quantizers>]
    public string Quantizer { get; init; } = "moving-average";

    [Option(Topic.Codes, "Codebook size."), Between(2, BetweenAttribute.LargestWidth)]
    public int Codes { get; init; } = 512;

    [Option(Topic.Codes, "Dimensions of a code's vector."), Between(1, BetweenAttribute.LargestChannels)]
    public int CodeLength { get; init; } = 64;

    [Option(Topic.Codes, "Levels per dimension, for --quantizer finite-scalar; they determine codebook size and dimensions."), Numbers(smallest: 2)]
    public string ScalarLevels { get; init; } = "8,8,8";

    [Option(Topic.Codes, "Weight of the commitment loss."), Positive]
    public double Commitment { get; init; } = 0.25;

    [Option(Topic.Codes, "Decay of the codebook's moving averages."), Share]
    public double CodebookDecay { get; init; } = 0.99;

    [Option(Topic.Codes, "Channels of the convolutions between images and codes."), Between(2, BetweenAttribute.LargestChannels)]
    public int Width { get; init; } = 128;

    [Option(Topic.Codes, "Channels inside residual blocks."), Between(1, BetweenAttribute.LargestChannels)]
    public int ResidualWidth { get; init; } = 64;

    [Option(Topic.Codes, "Residual blocks of each encoder and decoder."), Between(0, 256)]
    public int ResidualBlocks { get; init; } = 2;

    private IEnumerable<string> QuantizerFaults(GivenOptions given)
    {
        bool isScalar = Quantizer == Quantizers.FiniteScalar;
        return !HasCodes ? [] : (isScalar ? OfCodebooks : [nameof(ScalarLevels)]).Where(given.Has).Select(foreign =>
            $"{OptionNames.OfProperty(foreign)} cannot be given with --quantizer {Quantizer}: {(isScalar ? "it has no codebook" : $"only {Quantizers.FiniteScalar} has levels")}.");
    }
}
