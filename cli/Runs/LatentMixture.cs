using System.Globalization;
using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Terminal;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Exact;
using OnnxVae.Models.Objectives;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>
/// A mixture of Gaussians for the latents of a run's training images: an estimate of the aggregated posterior E_y Q(z|y), where the decoder has
/// been trained, while N(0, I) also covers regions to which no image is encoded.
/// </summary>
internal sealed class LatentMixture
{
    /// <summary>The maximum number of training images to encode, unless more are requested.</summary>
    public const long UsualImages = 20_000;

    /// <summary>The maximum number of Gaussians.</summary>
    public const int MostComponents = 10_000;

    private const int Batch = 256;

    private readonly GaussianMixture mixture;

    private LatentMixture(GaussianMixture mixture, double logLikelihood, double standardNormal, int images) =>
        (this.mixture, LogLikelihood, StandardNormal, Images) = (mixture, logLikelihood, standardNormal, images);

    /// <summary>The mean of ln P(z) over the latents, nats per image.</summary>
    public double LogLikelihood { get; }

    /// <summary>The same under N(0, I).</summary>
    public double StandardNormal { get; }

    /// <summary>The number of images encoded.</summary>
    public int Images { get; }

    /// <summary>Rejects models whose latents are not real numbers.</summary>
    /// <exception cref="InvalidDataException">They are codes, or rounded.</exception>
    public static void RequireFit(TrainingPackage package)
    {
        if (package.Manifest.Model["prior"]?.ToString() == Priors.Conditional)
        {
            throw new InvalidDataException("The model has a prior P(z|x), which already follows the latents of each condition: 'generate' draws from it.");
        }

        if (package.Manifest.Deployables.ContainsKey(ExportedKinds.Colorizer))
        {
            throw new InvalidDataException("The model's latents are a segmentation, with a prior P(z|x) of their own: a mixture of Gaussians is for latents that are numbers.");
        }

        var roles = package.Manifest.Evaluate.Metrics.Select(metric => metric.Role).ToHashSet();
        if (!roles.Contains(MetricRole.PosteriorLogVariance))
        {
            throw new InvalidDataException(roles.Contains(MetricRole.PosteriorMean)
                ? "The model has rounded latents, which have a density of their own: 'generate' draws from it."
                : "The model's latents are codes: a mixture of Gaussians is for latents that are numbers. Train a prior of the codes instead, with 'onnxvae prior'.");
        }
    }

    /// <summary>Fits a mixture.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="states">Its trained states.</param>
    /// <param name="train">The training images.</param>
    /// <param name="components">The number of Gaussians.</param>
    /// <param name="images">The maximum number of images to encode.</param>
    /// <param name="seed">Random seed of the posterior samples and of the initial points of the Gaussians.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="UsageException">There are fewer images than Gaussians.</exception>
    public static LatentMixture Fit(
        TrainingPackage package, IReadOnlyDictionary<string, Tensor> states, ImageSource train, int components, long images, ulong seed, CancellationToken cancellation)
    {
        using var encoder = VaeEncoder.Load(RunExport.Bake(package, ExportedKinds.Encoder, states).ToBytes());
        if (encoder.Metadata.Condition is { } shape)
        {
            using var given = encoder.Given(ConditionReader.For(train, shape, seed: seed));
            return Fit(given, train, components, images, seed, cancellation);
        }

        return Fit(encoder, train, components, images, seed, cancellation);
    }

    private static LatentMixture Fit(VaeEncoder encoder, ImageSource train, int components, long images, ulong seed, CancellationToken cancellation)
    {
        double[][] latents = Encode(encoder, train, Math.Min(train.Count, images), seed, cancellation);
        double logLikelihood = 0;
        var fitting = new MixtureOptions { Seed = seed };
        var mixture = ProgressDisplay.Run("Fitting", report =>
        {
            long step = 0;
            return GaussianMixture.Fit(latents, components, fitting, value =>
            {
                cancellation.ThrowIfCancellationRequested();
                logLikelihood = value;
                report(++step, fitting.MostSteps, string.Create(CultureInfo.InvariantCulture, $"log-likelihood {value:0.000}"));
            });
        });
        return new LatentMixture(mixture, logLikelihood, MeanLogStandardNormal(latents), latents.Length);
    }

    /// <summary>A model that draws from the mixture, like a prior.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="states">Its trained states.</param>
    public OnnxModel ToModel(TrainingPackage package, IReadOnlyDictionary<string, Tensor> states)
    {
        var sampler = PriorSampler.OfMixture(mixture);
        return GraphCompiler.Build(ExportedKinds.Prior, sampler.Inputs, [("z", sampler.Z)])
            .WithMetadata(RunExport.Bake(package, ExportedKinds.Decoder, states).Metadata.SetItem(MetadataKeys.Kind, ExportedKinds.Prior));
    }

    /// <summary>Writes the mixture where <see cref="Gain"/> finds it, with the weights whose latents it was fitted to.</summary>
    /// <param name="file">The file.</param>
    /// <param name="states">The model's trained states.</param>
    public void Save(string file, IReadOnlyDictionary<string, Tensor> states)
    {
        int count = mixture.Weights.Count, latents = mixture.Dimensions;
        Safetensors.Save(
            file,
            new Dictionary<string, Tensor>
            {
                ["weights"] = Tensor.From<float>([count], [.. mixture.Weights.Select(weight => (float)weight)]),
                ["means"] = Tensor.From<float>([count, latents], [.. mixture.Means.SelectMany(mean => mean).Select(x => (float)x)]),
                ["factors"] = Tensor.From<float>([count, latents, latents], [.. mixture.Factors.SelectMany(factor => factor.Transpose().Enumerate()).Select(x => (float)x)]),
            },
            new Dictionary<string, string> { [MetadataKeys.Weights] = RunExport.Identify(states) });
    }

    /// <summary>
    /// What the mixture gains over N(0, I) as the prior, E ln m(z) - E ln N(z; 0, I), nats per image: the rate, and the negative ELBO, would be lower by
    /// this with P*(z) = E_y Q(z|y) in place of N(0, I). Null if no mixture was fitted to these weights.
    /// </summary>
    /// <param name="file">What <see cref="Save"/> wrote.</param>
    /// <param name="package">The compiled model.</param>
    /// <param name="states">Its trained states.</param>
    /// <param name="images">The images.</param>
    /// <param name="seed">Random seed of the posterior samples.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static double? Gain(string file, TrainingPackage package, IReadOnlyDictionary<string, Tensor> states, ImageSource images, ulong seed, CancellationToken cancellation)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        var (tensors, metadata) = Safetensors.Load(file);
        if (metadata.GetValueOrDefault(MetadataKeys.Weights) != RunExport.Identify(states))
        {
            return null;
        }

        var (shares, means, factors) = (tensors["weights"].As<float>().ToArray(), tensors["means"].As<float>().ToArray(), tensors["factors"].As<float>().ToArray());
        int latents = means.Length / shares.Length;
        double total = shares.Sum(share => (double)share);
        var fitted = new GaussianMixture(
            [.. shares.Select(share => share / total)], [.. means.Chunk(latents).Select(mean => Vector<double>.Build.Dense([.. mean.Select(x => (double)x)]))],
            [.. factors.Chunk(latents * latents).Select(factor => Matrix<double>.Build.Dense(latents, latents, (i, j) => factor[(i * latents) + j]))]);
        using var loaded = VaeEncoder.Load(RunExport.Bake(package, ExportedKinds.Encoder, states).ToBytes());
        var encoder = loaded.Metadata.Condition is { } shape ? loaded.Given(ConditionReader.For(images, shape, seed: seed)) : loaded;
        long count = Math.Min(images.Count, UsualImages);
        double[][] z = Encode(encoder, images, count, seed, cancellation);
        return fitted.MeanLogDensity(z) - MeanLogStandardNormal(z);
    }

    private static double MeanLogStandardNormal(double[][] latents) => latents.Average(z => z.Sum(x => -0.5 * ((x * x) + Math.Log(2 * Math.PI))));

    // One sample per image's posterior: together they are draws from E_y Q(z|y).
    private static double[][] Encode(VaeEncoder encoder, ImageSource source, long count, ulong seed, CancellationToken cancellation) => ProgressDisplay.Run("Encoding", report =>
    {
        int size = encoder.Metadata.LatentSize;
        var latents = new double[count][];
        for (long first = 0; first < count; first += Batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int rows = (int)Math.Min(Batch, count - first);
            float[] drawn = encoder.Sample(ReconstructionGrid.ReadImages(source, first, rows), seed, first);
            for (int row = 0; row < rows; row++)
            {
                latents[first + row] = [.. drawn.Skip(row * size).Take(size).Select(z => (double)z)];
            }

            report(first + rows, count);
        }

        return latents;
    });
}
