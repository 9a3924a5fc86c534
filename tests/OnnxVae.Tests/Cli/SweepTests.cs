using OnnxVae.Tests.Support;

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

    [Test]
    public void Sweep_OverRunsWithOtherOptions_Refuses()
    {
        Support.Cli.Succeed(Arguments("--betas", "2"));

        var (exitCode, _, error) = Support.Cli.Run(Arguments("--betas", "2", "--seed", "9"));

        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error, Does.Contain("holds a run with other options: give the sweep's own, or another --out."));
    }
}
