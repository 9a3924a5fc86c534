using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;

namespace OnnxVae.Tests.Training;

/// <summary>The page of a run, for people: in words, complete, and of one piece.</summary>
internal sealed partial class RunReportTests : FolderFixture
{
    private static readonly string[] Small = ["--batch", "4", "--steps", "20", "--checkpoint-every", "5", "--log-every", "2", "--importance-samples", "2"];

    [TestCase("--model", "mlp", "--validation", "0.2", "--learning-rate-schedule", "cosine", "--clip-gradient", "1", "--weight-averaging", "0.9", "--mixture", "2")]
    [TestCase("--model", "vqvae2", "--width", "8", "--residual-width", "4", "--codes", "8")]
    [TestCase("--model", "conv", "--likelihood", "gaussian-optimal", "--condition", "label")]
    [TestCase("--model", "colorization", "--data", "scenes", "--segments", "3", "--context-width", "4")]
    public void Report_OfAnyModel_IsInWords(params string[] model)
    {
        WriteClasses();
        string[] data = model.Contains("--data") ? [] : ["--data", Folder["images"]];
        Support.Cli.Succeed(["train", .. data, .. model, .. Small, "--out", Folder["run"]]);

        AssertIsInWords(File.ReadAllText(Folder["run/report.html"]));
    }

    [Test]
    public void Report_SaysWhatWasTrainedOnWhat_AndShowsItsCourse()
    {
        WriteClasses();
        Support.Cli.Succeed(["train", "--data", Folder["images"], "--model", "mlp", "--latent", "3", "--validation", "0.2", .. Small, "--out", Folder["run"]]);
        string page = File.ReadAllText(Folder["run/report.html"]);

        Assert.That(page, Does.Match($@"<p class=""summary"">mlp, [\d,]+ parameters, 3 latents, trained on images for 20 steps with batches of 4 images in \d+ s, finished on \d+ \w+ \d+\."));
        Assert.That(page.IndexOf("<h2>Pictures", StringComparison.Ordinal), Is.LessThan(page.IndexOf("<h2>Curves", StringComparison.Ordinal)));
        Assert.That(page.IndexOf("<h2>Curves", StringComparison.Ordinal), Is.LessThan(page.IndexOf("<h2>Figures on the test images", StringComparison.Ordinal)));
        Assert.That(page.IndexOf("Rate of each latent", StringComparison.Ordinal), Is.LessThan(page.IndexOf("<details><summary>Settings", StringComparison.Ordinal)).And.Positive);
        Assert.That(page, Does.Contain("best step").And.Contain("prefers-color-scheme: dark").And.Contain("@media print").And.Contain("Samples during training"));
        Assert.That(page, Does.Not.Match("(src|href)=\"(?!data:)"), "self-contained");
        Assert.That(page, Does.Contain("<td class=\"number\">20</td>"), "steps among the settings");
    }

    [Test]
    public void Reports_OfAuxiliaryModels_AreInWords_WithBothSplits()
    {
        WriteClasses();
        Support.Cli.Succeed(["train", "--data", Folder["images"], "--model", "vqvae", "--width", "8", "--residual-width", "4", "--codes", "8", .. Small, "--out", Folder["run"]]);
        string[] training = ["--steps", "10", "--batch", "4", "--log-every", "2", "--checkpoint-every", "5"];
        Support.Cli.Succeed(["prior", Folder["run"], "--level", "bottom", "--width", "8", "--depth", "1", .. training]);
        Support.Cli.Succeed(["classifier", Folder["run"], "--model", "mlp", .. training]);

        foreach (string folder in (string[])["run/prior-bottom", "run/classifier"])
        {
            string page = File.ReadAllText(Folder[$"{folder}/report.html"]);
            AssertIsInWords(page);
            Assert.That(page, Does.Contain("Gradient norm by step").And.Match("The gradient was clipped in [0-9.]+ % of the steps"), folder);
        }
    }

    [TestCase("learningRate", "learning rate")]
    [TestCase("adam.firstCorrection", "adam first correction")]
    [TestCase("loss", "loss")]
    public void Names_AreTurnedIntoWords(string name, string expected) => Assert.That(Wording.Name(name), Is.EqualTo(expected));

    [TestCase("""{"kind":"cosine","value":0.001,"warmUpSteps":100,"none":null}""", "cosine, value 0.001, warm up steps 100")]
    [TestCase("""{"kind":"changed","before":{"kind":"warmUp","value":0.01,"steps":0},"lastStep":10,"after":{"kind":"constant","value":0.5}}""", "0.01 up to step 10, then 0.5")]
    [TestCase("[1, 28, 28]", "1, 28, 28")]
    [TestCase("true", "yes")]
    [TestCase("1234567", "1,234,567")]
    [TestCase("0.00001234", "1.234e-5")]
    [TestCase("12.34567", "12.346")]
    [TestCase("\"a < b\"", "a < b")]
    public void Values_AreTurnedIntoText(string json, string expected) => Assert.That(Wording.Value(JsonNode.Parse(json)), Is.EqualTo(expected));

    [TestCase(3.2, "3 s")]
    [TestCase(185, "3 min 5 s")]
    [TestCase(7325, "2 h 2 min")]
    [TestCase(200_000, "2 d 7 h")]
    public void Times_AreTurnedIntoText(double seconds, string expected) => Assert.That(Wording.Time(seconds), Is.EqualTo(expected));

    private void AssertIsInWords(string page)
    {
        string text = Tags().Replace(Charts().Replace(page[page.IndexOf("<body>", StringComparison.Ordinal)..], ""), " ").Replace(Folder["images"], "images", StringComparison.Ordinal);

        Assert.That(CamelCase().Matches(text).Select(match => match.Value), Is.Empty, "camel case");
        Assert.That(Json().Matches(text).Select(match => match.Value), Is.Empty, "JSON");
        Assert.That(Blank().Matches(page).Select(match => match.Value), Is.Empty, "a row without an explanation, or nothing in a table");
        Assert.That(page[^15..], Is.EqualTo("</body></html>\n"));
    }

    private void WriteClasses()
    {
        for (int i = 0; i < 40; i++)
        {
            TestImages.WriteImage(Folder[$"images/{(i % 2 == 0 ? "even" : "odd")}/{i:00}.png"], 1, 8, 8);
        }
    }

    [GeneratedRegex(@"<svg.*?</svg>", RegexOptions.Singleline)]
    private static partial Regex Charts();

    [GeneratedRegex(@".{0,20}([{}]|&quot;).{0,20}")]
    private static partial Regex Json();

    [GeneratedRegex(@"<tr>((?!<tr>).)*<td[^>]*></td></tr>|<table>\s*</table>")]
    private static partial Regex Blank();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex(@"\b[a-z]+[A-Z][A-Za-z]*\b")]
    private static partial Regex CamelCase();
}
