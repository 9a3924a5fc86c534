using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Models.Networks;

namespace OnnxVae.Cli.Models;

/// <summary>Networks by name.</summary>
internal sealed class Networks : INamed
{
    private const string OfImages = "conv", OfVectors = "mlp";

    private static readonly Dictionary<string, Func<int[], VaeNetwork>> Table = new()
    {
        [OfVectors] = hidden => new MlpNetwork(hidden is [] ? [400] : hidden),
        [OfImages] = hidden => hidden switch
        {
            [] => new ConvNetwork(),
            [var dense] => new ConvNetwork { Dense = dense },
            _ => throw new UsageException($"The model 'conv' has one hidden dense layer, but {hidden.Length} widths are given: give one, or --model mlp."),
        },
        ["linear"] = hidden => hidden is [] ? new LinearNetwork() : throw new UsageException(
            $"The model 'linear' has no hidden layer, but {hidden.Length} widths are given: omit them, or give --model mlp."),
        ["residual"] = hidden => hidden is [] ? new ResidualNetwork() : throw new UsageException(
            $"The model 'residual' has no hidden dense layer, but {hidden.Length} widths are given: leave them out, or --model mlp."),
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>The network that is taken unless another one is given.</summary>
    /// <param name="shape">The shape of examples; null for that of images.</param>
    public static string Usual(ExampleShape? shape = null) => shape is { Sides.Count: 0 } ? OfVectors : OfImages;

    /// <summary>Creates a network.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="hidden">Widths of the encoder's hidden dense layers, separated by commas; null for the network's defaults.</param>
    /// <exception cref="UsageException">The network has a different number of hidden dense layers.</exception>
    public static VaeNetwork Create(string name, string? hidden) => Table[name](NumbersAttribute.Parse(hidden));
}

/// <content>Networks and their inputs.</content>
internal sealed partial record ModelOptions
{
    private static readonly string[] OfNumbers =
    [
        nameof(Hidden), nameof(Latent), nameof(Prior), nameof(PseudoImages), nameof(Rounded), nameof(Beta), nameof(BetaWarmUp), nameof(BetaCycles),
        nameof(FreeBits), nameof(Capacity), nameof(CapacityWeight), nameof(Samples),
    ];

    private static readonly string[] OfCodes =
    [
        nameof(Quantizer), nameof(Codes), nameof(CodeLength), nameof(ScalarLevels), nameof(Commitment), nameof(CodebookDecay),
        nameof(Width), nameof(ResidualWidth), nameof(ResidualBlocks),
    ];

    [Option(Topic.Model, "The network. If left out, conv, or mlp for vectors and the rows of tables."), Among<ModelNames>]
    public string? Model { get; init; }

    [Option(Topic.Model, "Widths of the encoder's hidden dense layers, as in 512,256; the decoder has them in reverse."), Numbers]
    public string? Hidden { get; init; }

    [Option(Topic.Model, "Number of latents."), Between(1, BetweenAttribute.LargestWidth)]
    public int Latent { get; init; } = 10;

    [Option(Topic.Model, "How pixels are preprocessed: gray values, thresholded to 0 and 1, or resampled as 0 and 1 each time."), Among<Preparations>, JsonRequired]
    public string Pixels { get; init; } = "grey";

    /// <summary>Whether the latents are codes.</summary>
    [JsonIgnore]
    public bool HasCodes => Model is ModelNames.OneLevel or ModelNames.TwoLevels;

    private static readonly string[] OfImages = [nameof(Likelihood), nameof(Sigma), nameof(Lambda), nameof(Pixels)];

    private static readonly string[] OfOneVector = [nameof(Hidden), nameof(Latent), nameof(Prior), nameof(PseudoImages), nameof(Rounded), nameof(Samples)];

    private IEnumerable<string> NetworkFaults(GivenOptions given)
    {
        var (foreign, reason) = HasSegments ? ((string[])[.. OfOneVector, .. OfImages, .. OfCodes], "its latents are a segmentation, and its images are colors")
            : HasCodes ? ([.. OfNumbers, .. OfSegments], "its latents are codes")
            : ([.. OfCodes, .. OfSegments], "");
        return foreign.Where(given.Has).Select(option =>
            $"{OptionNames.OfProperty(option)} cannot be given with --model {Model ?? Networks.Usual()}: {(reason.Length > 0 ? reason : OfSegments.Contains(option) ? $"it is for {ModelNames.Colorization}" : $"it is for {ModelNames.OneLevel} and {ModelNames.TwoLevels}, whose latents are codes")}.");
    }
}
