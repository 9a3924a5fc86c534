using System.Text.Json.Nodes;
using OnnxVae.Cli.Terminal;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Colorization;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.OnnxRuntimeTraining;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Models;

/// <summary>Builds models from options.</summary>
internal static class ModelBuilder
{
    /// <summary>Builds a model and writes its package.</summary>
    /// <param name="folder">The target folder.</param>
    /// <param name="options">The model.</param>
    /// <param name="data">What it will be trained on.</param>
    /// <param name="seed">Random seed of the initial weights.</param>
    /// <param name="steps">Number of training steps.</param>
    /// <param name="provider">The execution provider that it will be trained on.</param>
    /// <param name="partSize">Images in a part, for batches that are computed in parts; null if they are computed as a whole.</param>
    /// <param name="forOnnxRuntimeTraining">Whether the artifacts of ONNX Runtime Training are written, too.</param>
    /// <exception cref="NotSupportedException">That format cannot hold the model.</exception>
    /// <exception cref="UsageException">The options contradict each other or the number of steps.</exception>
    public static TrainingPackage Write(string folder, ModelOptions options, TrainingData data, ulong seed, long steps, string provider, int? partSize, bool forOnnxRuntimeTraining = false)
    {
        long length = ModelSchedules.LengthOf(options, steps);
        var training = new TrainingOptions
        {
            BatchSize = options.Batch,
            Optimizer = Optimizers.Create(options, length),
            Groups = Optimizers.Groups(options, length),
            Frozen = options.Frozen,
            Steps = ModelSchedules.RequiredSteps(options, steps),
            MaxGradientNorm = options.ClipGradient,
            WeightAveraging = options.WeightAveraging,
        };
        IModel model = options.HasSegments ? WithSegments(options, data.Examples, seed, length) : options.HasCodes ? WithCodes(options, data, seed) : WithNumbers(options, data, seed, length);
        using (model.Network)
        {
            var compiler = new PackageCompiler(model, training);
            var target = CompilationTarget.Training with { Provider = provider, IsPrecise = options.Precise };
            var artifacts = forOnnxRuntimeTraining ? TrainingArtifacts.Compile(compiler.ToTrainingStep(), target) : null;
            var package = compiler.Write(folder, new JsonObject { ["seed"] = seed }, target, partSize);
            artifacts?.Save(folder);
            return package;
        }
    }

    private static VaeModel WithNumbers(ModelOptions options, TrainingData data, ulong seed, long steps)
    {
        var (network, shape) = (Networks.Create(options.Model ?? Networks.Usual(data.Examples.Shape), options.Hidden), data.Examples.Shape);
        var table = data.Examples.Table is null ? null : ValueStatistics.Of(data.Examples);
        var scaling = Scalings.Create(data.Scale, data.Examples, Likelihoods.IsForUnitRange(options), table);
        var condition = Conditions.Create(data.Condition, data.Examples);
        bool isSeenInUnitRange = scaling is null or { IsSeenInUnitRange: true };
        var networks = new VaeNetworks(network, shape, options.Latent, options.Rounded ? PosteriorKind.Rounded : PosteriorKind.Gaussian, condition, options.Prior == Priors.Conditional, seed, table?.StartsOfIncompleteColumns);
        return new VaeModel(
            networks, Likelihoods.Create(options, isSeenInUnitRange ? network.PixelMean : PixelMean.Identity, scaling, data.Examples.Table), Objectives.Create(options, steps), Priors.Create(options, shape, seed, isSeenInUnitRange),
            Preparations.Find(options.Pixels), scaling, data.Examples.IsChannelsLast);
    }

    private static ColorizationModel WithSegments(ModelOptions options, ImageSource images, ulong seed, long steps)
    {
        var inference = SegmentInferences.Find(options.ResolvedInference);
        var networks = new ColorizationNetworks(
            images.Shape, options.Segments, options.Stride, ColorDecoders.Find(options.ColorDecoder), hasPosterior: inference != SegmentInference.Exact, options.ContextWidth, seed);
        return new ColorizationModel(networks, Objectives.Create(options, steps), inference, options.Relaxation);
    }

    private static VqVaeModel WithCodes(ModelOptions options, TrainingData data, ulong seed)
    {
        var scaling = Scalings.Create(data.Scale, data.Examples, Likelihoods.IsForUnitRange(options));
        bool hasTop = options.Model == ModelNames.TwoLevels;
        var (bottom, top) = (Quantizers.Create(options, "bottom"), hasTop ? Quantizers.Create(options, "top") : null);
        var network = new QuantizedNetwork { Channels = options.Width, ResidualChannels = options.ResidualWidth, ResidualBlocks = options.ResidualBlocks };
        return new VqVaeModel(
            new VqVaeNetworks(network, data.Examples.Shape, bottom.Dimension, hasTop, seed), Likelihoods.Create(options, PixelMean.Identity, scaling), bottom, top, Preparations.Find(options.Pixels), scaling, data.Examples.IsChannelsLast);
    }
}
