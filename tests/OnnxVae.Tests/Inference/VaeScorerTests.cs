using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Conditions;
using OnnxVae.Models.Exact;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;
using TorchSharp;
using Condition = OnnxVae.Inference.Condition;

namespace OnnxVae.Tests.Inference;

/// <summary>Scores of exported models against closed forms, and against each other.</summary>
internal sealed class VaeScorerTests : FolderFixture
{
    private const int Latents = 2, Side = 3, Size = Side * Side;
    private const double Sigma = 0.1;

    // With the weights of probabilistic PCA the posterior is exact, and each importance weight is P(y).
    [Test]
    public void Score_OfLinearGaussianData_IsTheExactDensity()
    {
        var random = new Random(3);
        var factors = Matrix<double>.Build.Dense(Size, Size, (_, _) => 0.05 * random.NextDouble());
        var covariance = (factors * factors.Transpose()) + (Sigma * Sigma * Matrix<double>.Build.DenseIdentity(Size));
        var exact = ProbabilisticPca.Fit(Vector<double>.Build.Dense(Size, 0.5), covariance, Latents, Sigma * Sigma);
        using var scorer = Export(Linear(exact));
        float[] images = [.. Enumerable.Range(0, 4 * Size).Select(_ => (float)random.NextDouble())];

        var scores = scorer.ScoreAll(images, samples: 4096);

        var density = (exact.Weights * exact.Weights.Transpose()) + (exact.Variance * Matrix<double>.Build.DenseIdentity(Size));
        for (int i = 0; i < 4; i++)
        {
            var difference = Vector<double>.Build.Dense(Size, k => images[(i * Size) + k] - 0.5);
            double expected = 0.5 * ((difference * density.Solve(difference)) + Math.Log(density.Determinant()) + (Size * Math.Log(2 * Math.PI)));
            Assert.That(scores[ScoreKind.NegativeLogLikelihood][i], Is.EqualTo(expected).Within(1e-3));
            Assert.That(scores[ScoreKind.NegativeElbo][i], Is.EqualTo(expected).Within(0.1), "no gap but that of 4,096 samples");
            Assert.That(scores[ScoreKind.Rate][i] + scores[ScoreKind.Distortion][i], Is.EqualTo(scores[ScoreKind.NegativeElbo][i]).Within(1e-3));
        }
    }

    [Test]
    public void Score_OfAnExample_DependsOnItsNumberAndTheSeedAlone()
    {
        using var scorer = Export(new VaeModel(Networks(), new BernoulliLikelihood(), new BetaElbo()));
        float[] images = Uniform(5 * Size, 1);
        float[] all = scorer.Score(images, seed: 7);

        Assert.That(scorer.Score(images.AsSpan(3 * Size), seed: 7, first: 3), Is.EqualTo(all[3..]).Within(1e-4f));
        Assert.That(scorer.Score(images, seed: 8), Is.Not.EqualTo(all).Within(1e-4f));
        float[] streamed = [.. scorer.ScoreAsync(new ImageRange(0, 5), (first, block) => images.AsSpan((int)first * Size, block.Length).CopyTo(block), (_, block) => block[ScoreKind.NegativeElbo].ToArray(), seed: 7)
            .ToBlockingEnumerable().SelectMany(block => block)];
        Assert.That(streamed, Is.EqualTo(all).Within(1e-4f));
    }

    [Test]
    public void Score_OfSeveralRounds_IsThatOfAllTheirSamples()
    {
        using var scorer = Export(new VaeModel(Networks(), new BernoulliLikelihood(), new BetaElbo()));
        float[] image = Uniform(Size, 1);

        var many = scorer.ScoreAll(image, samples: 512 * scorer.Samples);
        var few = Enumerable.Range(0, 512).Select(seed => scorer.ScoreAll(image, (ulong)seed)).ToArray();

        Assert.That(many[ScoreKind.NegativeElbo][0], Is.EqualTo(few.Average(scores => scores[ScoreKind.NegativeElbo][0])).Within(0.05));
        Assert.That(many[ScoreKind.NegativeLogLikelihood][0], Is.EqualTo(-Math.Log(few.Average(scores => Math.Exp(-scores[ScoreKind.NegativeLogLikelihood][0])))).Within(0.05));
        Assert.That(many[ScoreKind.NegativeLogLikelihood][0], Is.LessThanOrEqualTo(many[ScoreKind.NegativeElbo][0]));
    }

    [Test]
    public void Score_OfATunedFile_IsThatOfThePortableOne()
    {
        using var models = new ExportedModels();
        using VaeScorer portable = VaeScorer.Load(Path.Combine(models.Export("conv"), "scorer.onnx")), tuned = VaeScorer.Load(Path.Combine(models.Export("conv", "cpu"), "scorer.onnx"));
        float[] images = Uniform(70 * portable.Metadata.ImageSize, 1);

        var (expected, actual) = (portable.ScoreAll(images, withMap: true), tuned.ScoreAll(images, withMap: true));

        Assert.That(tuned.Metadata.ImagesAtATime, Is.LessThan(70));
        foreach (var kind in portable.Kinds)
        {
            Assert.That(Numbers.RelativeError(actual[kind].ToArray(), expected[kind].ToArray()), Is.LessThan(1e-4), $"{kind}");
        }

        Assert.That(Numbers.RelativeError(actual.Map.ToArray(), expected.Map.ToArray()), Is.LessThan(1e-4));
    }

    [TestCase("bernoulli")]
    [TestCase("mask")]
    [TestCase("rounded")]
    [TestCase("codes")]
    [TestCase("absolute-error")]
    [TestCase("gaussian-optimal")]
    public void Map_AddsUpToTheDistortion(string kind)
    {
        using var original = Export(kind switch
        {
            "mask" => new VaeModel(Networks(condition: new MaskCondition(new ExampleShape(1, Side, Side))), new BernoulliLikelihood(), new BetaElbo()),
            "rounded" => new VaeModel(Networks(PosteriorKind.Rounded), new GaussianLikelihood(0.5), new BetaElbo(), new FactorizedDensity(Latents)),
            "gaussian-optimal" => new VaeModel(Networks(), new OptimalGaussianLikelihood(), new BetaElbo()),
            "absolute-error" => new VaeModel(Networks(), new AbsoluteError(3), new BetaElbo()),
            "codes" => Codes(),
            _ => new VaeModel(Networks(), new BernoulliLikelihood(), new BetaElbo()),
        });
        int size = original.Metadata.ImageSize;
        float[] images = Uniform(3 * size, 1);
        using var scorer = kind == "mask" ? original.Given(Condition.Rows([.. Enumerable.Range(0, 3).SelectMany(i => Masked(images.AsSpan(i * size, size)))], 2 * size)) : original;

        var scores = scorer.ScoreAll(images, withMap: true);

        for (int i = 0; i < 3; i++)
        {
            float[] map = scores.Map.Slice(i * size, size).ToArray();
            Assert.That(map.Sum(), Is.EqualTo(scores[ScoreKind.Distortion][i]).Within(1e-3));
            Assert.That(map.All(value => value != 0), Is.EqualTo(kind != "mask"), "visible values cost nothing");
        }

        Assert.That(scorer.Kinds[0], Is.EqualTo(ScoreKind.NegativeElbo));
        Assert.That(scorer.Kinds.Contains(ScoreKind.NegativeLogLikelihood), Is.EqualTo(kind is not ("rounded" or "codes")));

        // The first value is visible.
        static float[] Masked(ReadOnlySpan<float> image) => [image[0], .. new float[image.Length - 1], 1, .. new float[image.Length - 1]];
    }

    [Test]
    public void Scorer_RefusesWhatItCannotScore()
    {
        using var scorer = Export(new VaeModel(Networks(), new StructuralDissimilarity(3), new BetaElbo()));
        float[] image = new float[Size];

        Assert.That(() => scorer.ScoreAll(image, withMap: true), Throws.ArgumentException.With.Message.StartsWith("The model has no map"));
        Assert.That(() => scorer.ScoreAll(image, samples: 3), Throws.ArgumentException.With.Message.StartsWith("The number of samples is 3; the scorer takes 8 at a time: give a multiple."));
        Assert.That(() => scorer.ScoreAll(image)[ScoreKind.NegativeElbo].Length, Throws.ArgumentException.With.Message.StartsWith("The model has no negativeElbo; it has distortion, rate, squaredError."));
        Assert.That(() => scorer.Score(new float[Size + 1]), Throws.ArgumentException);
        Assert.That(() => VaeScorer.Load(Folder["export/encoder.onnx"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is an encoder; expected a scorer"));
        OnnxModel.Load(Folder["export/scorer.onnx"]).WithMetadata(new Dictionary<string, string> { ["onnxvae.threshold"] = "rate:much" }).Save(Folder["damaged.onnx"]);
        Assert.That(() => VaeScorer.Load(Folder["damaged.onnx"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("onnxvae.threshold is 'rate:much'; expected score:samples:share:value"));
    }

    [Test]
    public void Threshold_DecidesWhichScoreIsTheDefault()
    {
        using (Export(new VaeModel(Networks(), new BernoulliLikelihood(), new BetaElbo())))
        {
        }

        RunExport.SetThreshold(Folder["export/scorer.onnx"], new ScoreThreshold(ScoreKind.Distortion, 16, 0.9, 6.25f));
        using var scorer = VaeScorer.Load(Folder["export/scorer.onnx"]);
        float[] image = Uniform(Size, 1);

        Assert.That(scorer.Score(image)[0], Is.EqualTo(scorer.ScoreAll(image, samples: 16)[ScoreKind.Distortion][0]));
        Assert.That((scorer.IsOutlier(6.25f), scorer.IsOutlier(6.26f)), Is.EqualTo((false, true)));
        RunExport.Write(TrainingPackage.Open(Folder["package"]), TrainingPackage.Open(Folder["package"]).ReadInitialStates(), Folder["export"], "cpu");
        using var again = VaeScorer.Load(Folder["export/scorer.onnx"]);
        Assert.That(again.Threshold, Is.EqualTo(scorer.Threshold), "exported again with the same weights");
    }

    [Test]
    public void Scorer_OfAConditionalModel_NeedsItsCondition()
    {
        using var scorer = Export(new VaeModel(Networks(condition: new MaskCondition(new ExampleShape(1, Side, Side))), new BernoulliLikelihood(), new BetaElbo()));

        Assert.That(() => scorer.Score(new float[Size]), Throws.ArgumentException.With.Message.StartsWith("The scorer is conditional on"));
    }

    // A VAE that has seen zeros only.
    [Test]
    public async Task Score_TellsZerosFromOtherDigits()
    {
        var data = ImageData.Open(DataFolder.Mnist);
        var zeros = new SelectedImages(data.Train, [.. Enumerable.Range(0, (int)data.Train.Count).Select(i => (long)i).Where(i => data.Train.LabelOf(i) == 0)]);
        using var networks = new VaeNetworks(new MlpNetwork(400), new ExampleShape(1, 28, 28), latents: 20, seed: 1);
        var package = new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = 100, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).Write(Folder["package"]);
        using var trainer = Trainer.Start(package, new RunFolder(Folder["run"]), new TrainerOptions { Seed = 1, Steps = 500, Device = OnnxDevice.Cpu, LogEvery = 100, CheckpointEvery = 500 });
        await trainer.TrainAsync(zeros);
        RunExport.Write(package, trainer.Snapshot(), Folder["export"]);
        using var scorer = VaeScorer.Load(Folder["export/scorer.onnx"]);
        float[] scores = [.. scorer.ScoreAsync(new ImageRange(0, data.Test.Count), (first, block) => Read(data.Test, first, block), (_, block) => block[ScoreKind.NegativeElbo].ToArray())
            .ToBlockingEnumerable().SelectMany(block => block)];

        Assert.That(AreaUnderCurve(scores, i => data.Test.LabelOf(i) != 0), Is.GreaterThan(0.98));
    }

    // The share of pairs, an outlier and another example, of which the outlier has the higher score.
    private static double AreaUnderCurve(float[] scores, Func<long, bool> isOutlier)
    {
        long others = 0, pairs = 0;
        foreach (int i in Enumerable.Range(0, scores.Length).OrderBy(i => scores[i]))
        {
            (others, pairs) = isOutlier(i) ? (others, pairs + others) : (others + 1, pairs);
        }

        return (double)pairs / others / (scores.Length - others);
    }

    private static void Read(ImageSource images, long first, Span<float> block)
    {
        for (int i = 0; i < block.Length / images.ImageSize; i++)
        {
            images.ReadValues(first + i, block.Slice(i * images.ImageSize, images.ImageSize));
        }
    }

    private static VaeNetworks Networks(PosteriorKind posterior = PosteriorKind.Gaussian, OnnxVae.Models.Conditions.Condition? condition = null) =>
        new(new MlpNetwork(8), new ExampleShape(1, Side, Side), Latents, posterior, condition, seed: 1);

    private static VqVaeModel Codes() => new(
        new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 4, ResidualBlocks = 1 }, new ExampleShape(1, 8, 8), dimension: 4, hasTop: false, seed: 1),
        new GaussianLikelihood(0.5, PixelMean.Identity), new TrainedCodebook("bottom", 8, 4));

    // The exact posterior N(M^-1 W' (y - mu), sigma^2 M^-1), whose covariance is diagonal since the columns of W are orthogonal.
    private static VaeModel Linear(ProbabilisticPca exact)
    {
        var networks = new VaeNetworks(new LinearNetwork(), new ExampleShape(1, Side, Side), Latents, seed: 1);
        var inner = (exact.Weights.Transpose() * exact.Weights) + (exact.Variance * Matrix<double>.Build.DenseIdentity(Latents));
        var encoder = inner.Inverse() * exact.Weights.Transpose();
        var parameters = networks.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        using (torch.no_grad())
        {
            foreach (var (name, parameter) in parameters)
            {
                bool isEncoder = name.StartsWith("encoder", StringComparison.Ordinal);
                double[] values = name switch
                {
                    _ when name.EndsWith("logVar", StringComparison.Ordinal) => [.. inner.Inverse().Diagonal().Select(value => Math.Log(exact.Variance * value))],
                    _ when name.EndsWith("weight", StringComparison.Ordinal) => (isEncoder ? encoder : exact.Weights).ToRowMajorArray(),
                    _ => isEncoder ? (-(encoder * exact.Mean)).ToArray() : exact.Mean.ToArray(),
                };
                parameter.copy_(torch.tensor(values, parameter.shape).to(torch.ScalarType.Float32));
            }
        }

        return new VaeModel(networks, new GaussianLikelihood(Sigma, PixelMean.Identity), new BetaElbo());
    }

    private static float[] Uniform(int count, ulong seed)
    {
        var values = new float[count];
        Philox.FillUniform(values, seed, stream: 0, position: 0);
        return values;
    }

    private VaeScorer Export(IModel model)
    {
        using var network = model.Network;
        var package = new PackageCompiler(model, new TrainingOptions { BatchSize = 4, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).Write(Folder["package"]);
        RunExport.Write(package, package.ReadInitialStates(), Folder["export"]);
        return VaeScorer.Load(Folder["export/scorer.onnx"]);
    }
}
