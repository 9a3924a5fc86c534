using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Cli;

/// <summary>Exact models from the command line, and what a mixture gains over N(0, I).</summary>
internal sealed class ExactModelsTests : FolderFixture
{
    [Test]
    public void Em_NeverRises_AndEndsAtTheClosedForm()
    {
        double[][] rows = [.. Support.Cli.Succeed("em", "--data", "sprites", "--image-size", "8", "--latent", "3", "--steps", "300", "--images", "2000").Split('\n')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(words => words.Length == 5 && words[0] != "step")
            .Select(words => words.Skip(1).Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray())];

        double[] costs = [.. rows.Select(row => row[0])];
        Assert.That(rows, Has.Length.GreaterThan(10));
        Assert.That(costs[..^1], Is.Ordered.Descending);
        Assert.That(costs[^2], Is.EqualTo(costs[^1]).Within(0.05), "the last step, and the closed form");
        Assert.That(rows.Select(row => row[1] + row[2] - row[0]), Has.All.EqualTo(0).Within(2e-4), "rate + distortion = -ln P(y)");
    }

    [Test]
    public void Tabular_PrintsTheSameElboForEveryEncoder()
    {
        string[][] rows = [.. Support.Cli.Succeed("tabular", "--values", "6", "--seed", "3").Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];

        Assert.That(rows.Select(row => row[3]).Distinct().Single(), Is.EqualTo(rows[0][4]));
        Assert.That((rows[0][1], rows[^1][2]), Is.EqualTo(("0.000000", "0.000000")));
    }

    [Test]
    public void Evaluate_AfterFit_ReportsTheGain()
    {
        Support.Cli.Succeed("train", "--model", "mlp", "--hidden", "32", "--latent", "3", "--image-size", "16", "--steps", "300", "--importance-samples", "0", "--out", Folder["run"]);
        var before = JsonNode.Parse(Support.Cli.Succeed("evaluate", Folder["run"], "--importance-samples", "0", "--json"))!.AsObject();
        Support.Cli.Succeed("fit", Folder["run"], "--components", "20", "--images", "2000");

        var after = JsonNode.Parse(Support.Cli.Succeed("evaluate", Folder["run"], "--importance-samples", "0", "--json"))!.AsObject();

        Assert.That(before.ContainsKey("mixtureGain"), Is.False);
        Assert.That((double)after["mixtureGain"]!, Is.InRange(0.01, (double)after["marginalKlUpper"]!), "at most the divergence of the aggregated posterior from N(0, I)");
    }

    [TestCase("em --data sprites --image-size 64 --latent 3", 2, "The images have 4096 values, and this is for at most 1600: give a smaller --image-size, or --channels 1.")]
    [TestCase("em --data sprites --image-size 4 --latent 16 --images 100", 1, "The number of latents is 16; for images of 16 values it must be from 1 to 15.")]
    [TestCase("em --data sprites --image-size 4 --latent 6 --images 5", 1, "6 latents leave no variance of these 5 images: give fewer --latent, or more and more different images.")]
    [TestCase("em --data sprites --condition label", 2, "--condition cannot be given with em: its model is unconditional. See 'onnxvae em --help'.")]
    public void WrongUse_IsExplained(string arguments, int exitCode, string message)
    {
        var actual = Support.Cli.Run(arguments.Split(' '));

        Assert.That((actual.ExitCode, actual.Error.TrimEnd().Split('\n')[^1].Split(" (Parameter")[0]), Is.EqualTo((exitCode, $"onnxvae: {message}")));
    }
}
