using System.Globalization;
using System.Text.Json.Nodes;
using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Exact;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>MNIST against closed forms and published numbers.</summary>
internal sealed class PublishedFiguresTests : FolderFixture
{
    // Long enough for the latents to turn to the principal axes, which gains next to nothing where two eigenvalues are close.
    private static readonly string[] Linear = ["--model", "linear", "--learning-rate", "1e-2", "--learning-rate-schedule", "cosine", "--batch", "256", "--epochs", "30"];

    private static readonly Lazy<(Vector<double> Mean, Matrix<double> Covariance)> Mnist = new(() => Moments.Of(Pixels(ImageData.Open(DataFolder.Mnist).Train)));

    // The linear VAE has no local maxima but the likelihood of pPCA: Lucas et al. 2019, arXiv 1911.02469.
    [Test]
    public void Train_OfLinearModel_ReachesTheLikelihoodOfPca([Values(10, 20, 50)] int latents)
    {
        Train([.. Linear, "--latent", $"{latents}", "--likelihood", "gaussian-learned"]);

        var (mean, covariance) = Mnist.Value;
        var exact = ProbabilisticPca.Fit(mean, covariance, latents);
        var figures = Evaluate("train");
        Assert.Multiple(() =>
        {
            double expected = exact.NegativeLogLikelihood(mean, covariance);
            Assert.That((double)figures["negativeElbo"]!, Is.EqualTo(expected).Within(0.5).Percent);
            Assert.That((double)figures["negativeElbo"]!, Is.GreaterThan(expected - 0.05), "no model beats the maximum, but for the noise of samples");
            Assert.That((double)figures["sigma"]!, Is.EqualTo(Math.Sqrt(exact.Variance)).Within(1).Percent);
            Assert.That((double)figures["rate"]!, Is.EqualTo(exact.ExactPosterior(covariance).Rate).Within(2).Percent);
        });
    }

    [Test]
    public void Train_OfLinearModelWithUnitSigma_KeepsTheLatentsWithEigenvaluesAboveOne()
    {
        Train([.. Linear, "--latent", "20", "--likelihood", "gaussian", "--sigma", "1"]);

        int expected = Mnist.Value.Covariance.Evd(Symmetricity.Symmetric).EigenValues.Count(value => value.Real > 1);
        Assert.That((int)Evaluate("train")["activeUnits"]!, Is.EqualTo(expected));
    }

    // 900 digits are soon known by heart.
    [Test]
    public void Train_On900Digits_FindsTheBestStep_StopsAndExportsIt()
    {
        var digits = ImageData.Open(DataFolder.Mnist).Train;
        using (var file = File.Create(Folder["digits.npy"]))
        {
            Npy.WriteHeader(file, "|u1", [900, 28, 28]);
            for (int i = 0; i < 900; i++)
            {
                file.Write(TestImages.Read(digits, i));
            }
        }

        string[] command =
        [
            "train", "--data", Folder["digits.npy"], "--model", "conv", "--latent", "16", "--batch", "32", "--learning-rate", "3e-3", "--steps", "3000",
            "--validation", "0.1", "--validate-every", "50", "--patience", "6", "--importance-samples", "0", "--out", Folder["run"],
        ];
        var (exitCode, _, error) = Support.Cli.Run(command);

        Assert.That(exitCode, Is.Zero, error);
        var run = new RunFolder(Folder["run"]);
        var package = TrainingPackage.Open(run.Package);
        var log = MetricsLog.Read(run.Metrics);
        var losses = log.Where(line => MetricsLog.ValueOf(line, "validationLoss") is not null).ToDictionary(line => (long)line["step"]!, line => MetricsLog.ValueOf(line, "validationLoss")!.Value);
        long best = losses.MinBy(loss => loss.Value).Key, last = losses.Keys.Max();
        Assert.That(best, Is.InRange(400, 1800));
        Assert.That(last, Is.EqualTo(best + 300), "six evaluations later it has stopped");
        Assert.That(Training(last), Is.LessThan(Training(best) - 5), "while the training loss goes on falling");
        Assert.That(RunExport.WeightsOf(Path.Combine(run.Export, "encoder.onnx")), Is.EqualTo(RunExport.Identify(Checkpoint.Load(run.Best, package).States)));
        Assert.That(Checkpoint.Load(run.Best, package).Step, Is.EqualTo(best));
        Assert.That(error, Does.Contain($"Best      step {best} of 3000, ").And.Contain($"training stopped at step {last}, 6 evaluations without a lower one; step {best} is evaluated and exported"));
        Assert.That(File.ReadAllText(run.Report), Does.Contain(string.Create(CultureInfo.InvariantCulture, $"The states of step {best:#,0}, the best ones, were evaluated.")).And.Contain("best step"));

        double Training(long step) => log.Where(line => (long)line["step"]! > step - 250 && (long)line["step"]! <= step).Average(line => MetricsLog.ValueOf(line, "loss")!.Value);
    }

    // Published after 5,000 steps: 112.6 (altosaar, variational-autoencoder).
    [Test]
    public void Train_OnBinaryMnist_ReachesThePublishedElbo()
    {
        var figures = Train("--model", "mlp", "--batch", "128", "--hidden", "256,256", "--latent", "128", "--pixels", "sampled", "--steps", "5000");

        Assert.That((double)figures["negativeElbo"]!, Is.LessThan(113));
        Assert.That((string)figures["posteriorCollapse"]!, Does.StartWith("not collapsed"));
    }

    // What the class adds is seen by a classifier, and costs at most ln 10 nats to find out.
    [Test]
    public void Train_GivenTheDigit_DrawsThatDigit()
    {
        const int count = 500;
        var figures = Train("--condition", "label", "--model", "mlp", "--hidden", "512,256", "--latent", "4", "--batch", "128", "--steps", "2500", "--learning-rate", "2e-3", "--learning-rate-schedule", "one-cycle");
        Support.Cli.Succeed("classifier", Folder["run"], "--steps", "600", "--batch", "128");

        using var vae = TrainedVae.Load(Folder["run/export"]);
        using var classifier = ImageClassifier.Load(Folder["run/export/classifier.onnx"], vae.Decoder.Metadata);
        var digits = vae.Decoder.Metadata.Condition!;
        float[] scores = classifier.LogProbabilities(vae.Given(digits.OfLabels([.. Enumerable.Range(0, count).Select(i => i % 10)])).Generate(count, seed: 1));
        int recognized = scores.Chunk(10).Index().Count(row => row.Item[row.Index % 10] == row.Item.Max());
        TestContext.Out.WriteLine($"negative ELBO {figures["negativeElbo"]}, recognized {recognized} of {count}");
        Assert.That((double)figures["negativeElbo"]!, Is.LessThan(120));
        Assert.That(recognized, Is.GreaterThanOrEqualTo(0.95 * count));
        var evaluated = Evaluate("test");
        Assert.That((double)evaluated["negativeElboWithoutClass"]!, Is.LessThanOrEqualTo((double)evaluated["negativeElbo"]! + Math.Log(10) + 3), "other images for the first");
    }

    // Published for unit sigma: 740.5 (Rybkin et al. 2021). A non-linear model of as many latents is better than the linear one.
    [Test]
    public void Train_WithUnitSigma_ReachesThePublishedElboAndBeatsTheLinearModel()
    {
        var figures = Train("--model", "mlp", "--batch", "128", "--latent", "20", "--likelihood", "gaussian", "--sigma", "1", "--epochs", "8");

        double[] eigenvalues = [.. Mnist.Value.Covariance.Evd(Symmetricity.Symmetric).EigenValues.Select(value => value.Real)];
        Assert.That((double)figures["negativeElbo"]!, Is.InRange(735, 745));
        Assert.That((double)figures["negativeElbo"]!, Is.LessThan(ProbabilisticPca.Linear(eigenvalues, 20, variance: 1, beta: 1).NegativeElbo));
    }

    // With the optimal sigma the best linear model is probabilistic PCA at its maximum.
    [Test]
    public void Train_WithOptimalSigma_BeatsTheLinearModel()
    {
        var figures = Train("--model", "mlp", "--batch", "128", "--latent", "20", "--likelihood", "gaussian-optimal", "--epochs", "5");

        var (mean, covariance) = Mnist.Value;
        Assert.That((double)figures["negativeElbo"]!, Is.LessThan(ProbabilisticPca.Fit(mean, covariance, 20).NegativeLogLikelihood(mean, covariance)));
    }

    // A beta so large that no latent pays for itself: the posterior is the prior, and the verdict says so.
    [Test]
    public void Train_WithLargeBeta_IsCalledCollapsed()
    {
        var figures = Train("--model", "mlp", "--batch", "128", "--latent", "10", "--beta", "100", "--epochs", "1");

        Assert.That((string)figures["posteriorCollapse"]!, Does.StartWith("collapsed: 0 of 10 latents are active").And.Contain("try a smaller beta"));
    }

    private JsonNode Train(params string[] options) => JsonNode.Parse(Support.Cli.Succeed(
    [
        "train", "--data", DataFolder.Mnist, "--importance-samples", "0", "--checkpoint-every", "100000", "--json", "--out", Folder["run"], .. options,
    ]))!;

    private JsonNode Evaluate(string split) =>
        JsonNode.Parse(Support.Cli.Succeed("evaluate", Folder["run"], "--split", split, "--importance-samples", "0", "--json"))!;

    private static IEnumerable<double[]> Pixels(ImageSource images)
    {
        for (long i = 0; i < images.Count; i++)
        {
            yield return [.. ReconstructionGrid.ReadImages(images, i, 1).Select(x => (double)x)];
        }
    }
}
