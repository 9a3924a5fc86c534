using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Sweep;

/// <summary>Trains a model for each of several weights of the rate (KL term) or of the distortion (reconstruction loss).</summary>
[Verb("sweep", VerbTopic.Train, "Trains over several weights and draws rate against distortion.", Example = "sweep --data sprites --betas 0.5,1,2,4 --steps 2000 --out sweeps/sprites")]
internal sealed class SweepVerb : TrainingVerb<SweepOptions>
{
    private static readonly string[] Columns =
    [
        "negativeElbo", "rate", "distortion", "negativeLogLikelihood", "activeUnits", "mutualInformation", "mutualInformationUpper", "mutualInformationCeiling",
        "marginalKlLower", "marginalKlUpper", "bitsPerDimension", "sigma", "squaredError", "absoluteError", "dissimilarity",
    ];

    protected override async Task<int> RunAsync(SweepOptions options, Ranks ranks, CancellationToken cancellation)
    {
        string folder = options.Out, name = options.Varied;
        var shared = options.Run.Resolve();
        List<(double Weight, JsonObject Figures)> models = [];
        foreach (double weight in options.Values)
        {
            var model = name == SweepOptions.Beta ? shared.Model! with { Beta = weight } : shared.Model! with { Lambda = weight };
            string run = Path.Combine(folder, FolderOf(name, weight));
            Notice.Say($"{name} {weight.ToString(CultureInfo.InvariantCulture)}: {run}");
            if (await FiguresOf(run, shared with { Model = model }, ranks, cancellation) is not { } figures)
            {
                Notice.Say("Continue with the same command.");
                return ExitCode.Interrupted;
            }

            models.Add((weight, figures));
            WriteTable(Path.Combine(folder, "sweep.csv"), name, models);
        }

        Draw(folder, shared, name, models, cancellation);
        Print(name, models);
        Console.WriteLine($"Written   {Path.Combine(folder, "sweep.csv")}, {Path.Combine(folder, "sweep.png")}, {Path.Combine(folder, "report.html")}");
        return ExitCode.Done;
    }

    private static string FolderOf(string name, double weight) => string.Create(CultureInfo.InvariantCulture, $"{name}-{weight}");

    // The plot, and the page with it.
    private static void Draw(string folder, RunOptions options, string name, IReadOnlyList<(double Weight, JsonObject Figures)> models, CancellationToken cancellation)
    {
        var images = options.Data.Open(options.Seed).Train;
        var curve = ProgressDisplay.While("Computing the linear model", () => LinearCurve.Of(images, options.Model!, isOverLambda: name == SweepOptions.Lambda, cancellation));
        var contents = new SweepReportContents
        {
            Varied = name,
            Data = options.Data.Data,
            Models = [.. models.Select(model => new SweepModel(
                model.Weight.ToString(CultureInfo.InvariantCulture), model.Figures, FolderOf(name, model.Weight), new RunFolder(Path.Combine(folder, FolderOf(name, model.Weight))).NewestSamples))],
            Columns = [.. Columns.Where(column => models.Any(model => model.Figures.ContainsKey(column)))],
            Reference = [.. curve.Select(point => (point.Rate, point.Distortion))],
            ReferenceName = $"linear model, {options.Model!.Latent} latents, exact on the training images",
        };
        RateDistortionPlot.Save(Path.Combine(folder, "sweep.png"), [.. contents.Models.Select(model => model.Point)], contents.Reference, contents.ReferenceName);
        SweepReport.Write(Path.Combine(folder, "report.html"), contents);
    }

    // A finished run is used as it is; a stopped one is resumed.
    private async Task<JsonObject?> FiguresOf(string folder, RunOptions options, Ranks ranks, CancellationToken cancellation)
    {
        var run = new RunFolder(folder);
        using var training = run.HoldsRun ? AutoencoderRun.Resume(folder, options, Options.Given.Names, ranks, stored => RequireSame(folder, stored, options)) : AutoencoderRun.Start(folder, options, ranks);
        return File.Exists(run.Evaluation) || await training.RunAsync(cancellation) is not null ? ReadFigures(run.Evaluation) : null;
    }

    private static JsonObject ReadFigures(string file)
    {
        try
        {
            if (JsonNode.Parse(RegularFile.ReadText(file)) is JsonObject figures && ((string[])["rate", "distortion"]).All(name => figures[name] is JsonValue value && value.TryGetValue(out double _)))
            {
                return figures;
            }
        }
        catch (JsonException)
        {
            // Reported below.
        }

        throw new InvalidDataException($"'{file}' is damaged: it is not the JSON of a run's figures. Delete it to have the run evaluated again.");
    }

    private static void RequireSame(string folder, RunOptions stored, RunOptions given)
    {
        var expected = given with
        {
            Model = given.Model! with { Model = given.Model.Model ?? stored.Model?.Model, Likelihood = given.Model.Likelihood ?? stored.Model?.Likelihood },
            IsReal = stored.IsReal,
            TrainingImages = stored.TrainingImages,
            TestImages = stored.TestImages,
            ImagesIdentity = stored.ImagesIdentity,
            Changes = stored.Changes,
        };
        if (StoredOptions.Differences(StoredOptions.Flatten(expected), StoredOptions.Flatten(stored), except: RunOptions.Changeable.Select(OptionNames.InFile)).FirstOrDefault() is { } difference)
        {
            throw new UsageException(
                $"{OptionNames.OfProperty(difference.Name)} is {difference.Here?.ToString() ?? "not given"}, but '{folder}' was started with {difference.There?.ToString() ?? "none"}: give the sweep's own options, or another --out.");
        }
    }

    private static void WriteTable(string file, string name, IReadOnlyList<(double Weight, JsonObject Figures)> models)
    {
        string[] columns = [.. Columns.Where(column => models.Any(model => model.Figures.ContainsKey(column)))];
        var lines = models.Select(model => string.Join(',', columns.Select(column => model.Figures[column]?.ToJsonString() ?? "").Prepend(model.Weight.ToString(CultureInfo.InvariantCulture))));
        AtomicFile.WriteText(file, string.Concat(lines.Prepend(string.Join(',', columns.Prepend(name))).Select(line => $"{line}\n")));
    }

    // Models of nearly equal ELBO may differ in how much information their latents carry: the ELBO does not determine it.
    private static void Print(string name, IReadOnlyList<(double Weight, JsonObject Figures)> models)
    {
        string[] columns = ["negativeElbo", "rate", "distortion", "mutualInformation", "activeUnits"];
        Console.WriteLine($"{name,8}{string.Concat(columns.Select(column => $"{column,20}"))}");
        foreach (var (weight, figures) in models)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{weight,8}")
                + string.Concat(columns.Select(column => string.Create(CultureInfo.InvariantCulture, $"{(double?)figures[column],20:0.00}"))));
        }
    }
}
