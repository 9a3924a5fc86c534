using OnnxVae.Cli.Models;
using OnnxVae.Cli.Verbs.Sweep;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Cli;

internal sealed class SweepTests : FolderFixture
{
    private string[] Arguments(params string[] more) =>
    [
        "sweep", "--model", "mlp", "--hidden", "32", "--latent", "3", "--steps", "30", "--batch", "16", "--importance-samples", "0", "--out", Folder["sweep"], .. more,
    ];

    [Test]
    public void Sweep_OverBetas_WritesTableAndPlot()
    {
        string output = Support.Cli.Succeed(Arguments("--betas", "0.5,4"));

        string[] lines = File.ReadAllLines(Folder["sweep/sweep.csv"]);
        Assert.That(lines[0], Does.StartWith("beta,negativeElbo,rate,distortion,activeUnits,mutualInformation"));
        Assert.That(lines.Skip(1).Select(line => line.Split(',')[0]), Is.EqualTo((string[])["0.5", "4"]));
        Assert.That(output, Does.Contain("mutualInformation"));
        Assert.That(new FileInfo(Folder["sweep/sweep.png"]).Length, Is.GreaterThan(1000));
        Assert.That(File.ReadAllText(Folder["sweep/report.html"]), Does.Contain("<h1>Sweep over beta on sprites</h1>").And.Contain("<th>Negative ELBO</th>").And.Contain("href=\"beta-4/report.html\""));
        Assert.That(File.Exists(Folder["sweep/beta-4/export/decoder.onnx"]));
    }

    [Test]
    public void Sweep_Again_TrainsOnlyWhatIsMissing()
    {
        Support.Cli.Succeed(Arguments("--likelihood", "squared-error", "--lambdas", "2"));
        var trained = File.GetLastWriteTimeUtc(Folder["sweep/lambda-2/evaluation.json"]);

        Support.Cli.Succeed(Arguments("--likelihood", "squared-error", "--lambdas", "2,3"));

        Assert.That(File.GetLastWriteTimeUtc(Folder["sweep/lambda-2/evaluation.json"]), Is.EqualTo(trained));
        Assert.That(File.ReadAllLines(Folder["sweep/sweep.csv"]), Has.Length.EqualTo(3));
    }

    // Along a sweep of lambda every model has a sigma of its own, the best one for what it spends: the curve is that of pPCA's solutions.
    [Test]
    public void LinearCurve_OverLambda_ConsistsOfTheModelsWithThatSigma()
    {
        var images = new LinearImages();
        var model = new ModelOptions
        {
            Model = "linear",
            Likelihood = "squared-error",
            Lambda = 1,
            Latent = 2,
            Pixels = "grey",
            Prior = "standard-normal",
            LearningRateSchedule = "constant",
            Optimizer = "adam",
        };

        var overLambda = LinearCurve.Of(images, model, isOverLambda: true, CancellationToken.None);
        var overBeta = LinearCurve.Of(images, model, isOverLambda: false, CancellationToken.None);

        Assert.That(overLambda, Has.Count.EqualTo(overBeta.Count));
        foreach (var (lambda, beta) in overLambda.Zip(overBeta))
        {
            Assert.That(lambda.Rate, Is.EqualTo(beta.Rate).Within(1e-9));
            Assert.That(lambda.SquaredError, Is.EqualTo(beta.SquaredError).Within(1e-9));
            Assert.That(beta.Distortion, Is.EqualTo(beta.SquaredError + (0.5 * images.ImageSize * Math.Log(Math.PI))).Within(1e-9), "lambda 1 throughout");
        }

        Assert.That(overLambda[^1].Rate, Is.GreaterThan(overLambda[0].Rate + 5));
        Assert.That(LinearCurve.Of(images, model with { Pixels = "sampled" }, isOverLambda: true, CancellationToken.None), Is.Empty);
    }

    [Test]
    public void Sweep_Again_WithOptionsThatFollowFromTheData_TakesItsRuns()
    {
        Support.Cli.Succeed(Arguments("--betas", "2"));
        var trained = File.GetLastWriteTimeUtc(Folder["sweep/beta-2/evaluation.json"]);

        Support.Cli.Succeed(Arguments("--betas", "2"));

        Assert.That(File.GetLastWriteTimeUtc(Folder["sweep/beta-2/evaluation.json"]), Is.EqualTo(trained));
    }

    [Test]
    public void Sweep_OverRunsWithOtherOptions_Refuses()
    {
        Support.Cli.Succeed(Arguments("--betas", "2"));

        var (exitCode, _, error) = Support.Cli.Run(Arguments("--betas", "2", "--seed", "9"));

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error, Does.Contain("onnxvae: --seed is 9, but ").And.Contain("was started with 1: ").And.Contain("give the sweep's own options, or another --out."));
    }

    // Fewer images than values, so that most eigenvalues are zero.
    private sealed class LinearImages : ImageSource
    {
        public override long Count => 10;

        public override ExampleShape Shape { get; } = new(1, 4, 4);

        public override void Read(long index, Span<byte> pixels) => new Random((int)index).NextBytes(pixels);
    }
}
