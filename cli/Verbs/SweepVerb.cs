using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Verbs.Train;
using OnnxVae.Exporters;
using OnnxVae.Models;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae sweep</c>: a model for each of several weights of the rate or of the distortion.</summary>
internal static class SweepVerb
{
    private const string Beta = "beta";
    private const string Lambda = "lambda";

    private static readonly string[] Columns =
    [
        "negativeElbo", "rate", "distortion", "negativeLogLikelihood", "activeUnits", "mutualInformation", "mutualInformationUpper", "mutualInformationCeiling",
        "marginalKlLower", "marginalKlUpper", "bitsPerDimension", "sigma", "squaredError", "absoluteError", "dissimilarity",
    ];

    public static Command Create()
    {
        var arguments = new TrainArguments();
        var betas = new Option<string?>("--betas") { Description = "Weights of the rate, as in 0.5,1,2,4." };
        var lambdas = new Option<string?>("--lambdas") { Description = "Weights of the distortion instead, for --likelihood squared-error, absolute-error and dissimilarity." };
        var output = new Option<string>("--out") { Description = "Where the runs go, a folder each, with sweep.csv and sweep.png. Runs that are there already are continued, or taken as they are.", Required = true };
        var command = new Command(
            "sweep", "Trains over several weights and draws rate against distortion. Example: onnxvae sweep --data sprites --betas 0.5,1,2,4 --steps 2000 --out sweeps/sprites");
        arguments.AddForTraining(command);
        foreach (var option in (Option[])[betas, lambdas, output])
        {
            command.Options.Add(option);
        }

        command.SetCancellableAction((result, cancellation) =>
        {
            var options = arguments.Read(result);
            if (options.Model is null || (result.GetValue(betas) is null) == (result.GetValue(lambdas) is null))
            {
                throw new UsageException("A sweep takes --betas or --lambdas, one of them, and no --package.");
            }

            var (name, text) = result.GetValue(betas) is { } list ? (Beta, list) : (Lambda, result.GetValue(lambdas)!);
            RequireUse(name, options.Model);
            return RunAsync(result.GetValue(output)!, name, ParseWeights(name, text), options, cancellation);
        });
        return command;
    }

    // A weight that the objective or the likelihood does not have would train the same model again and again.
    private static void RequireUse(string name, ModelOptions model)
    {
        if (VaeCatalog.HasCodes(model.Model))
        {
            throw new UsageException($"A sweep cannot be given with --model {model.Model}: its rate is fixed by the number of codes.");
        }

        if (name == Beta && (model.Samples > 1 || model.Capacity is not null))
        {
            throw new UsageException($"--betas cannot be given with {(model.Samples > 1 ? "--samples" : "--capacity")}: that objective has no weight of the rate.");
        }

        if (name == Lambda && !VaeCatalog.HasLambda(model.Likelihood))
        {
            throw new UsageException($"--lambdas needs a --likelihood with a weight: squared-error, absolute-error or dissimilarity; '{model.Likelihood}' has none.");
        }
    }

    private static async Task<int> RunAsync(string folder, string name, double[] weights, TrainOptions options, CancellationToken cancellation)
    {
        List<(double Weight, JsonObject Figures)> models = [];
        foreach (double weight in weights)
        {
            var model = name == Beta ? options.Model! with { Beta = weight } : options.Model! with { Lambda = weight };
            string run = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{name}-{weight}"));
            Console.Error.WriteLine($"{name} {weight.ToString(CultureInfo.InvariantCulture)}: {run}");
            if (await FiguresOf(run, options with { Model = model }, cancellation) is not { } figures)
            {
                Console.Error.WriteLine("Continue with the same command.");
                return ExitCode.Interrupted;
            }

            models.Add((weight, figures));
            WriteTable(Path.Combine(folder, "sweep.csv"), name, models);
        }

        var images = DataOpening.Open(options.Data, options.ImageOptions).Train;
        var curve = LinearCurve.Of(images, options.Model!, isOverLambda: name == Lambda);
        RateDistortionPlot.Save(
            Path.Combine(folder, "sweep.png"),
            [.. models.Select(model => new RateDistortionModel(string.Create(CultureInfo.InvariantCulture, $"{model.Weight}"), (double)model.Figures["rate"]!, (double)model.Figures["distortion"]!))],
            [.. curve.Select(point => (point.Rate, point.Distortion))],
            $"linear model, {options.Model!.Latent} latents, exact on the training images");
        Print(name, models);
        Console.WriteLine($"Written   {Path.Combine(folder, "sweep.csv")}, {Path.Combine(folder, "sweep.png")}");
        return 0;
    }

    // A run that has ended is taken as it is, one that was stopped goes on.
    private static async Task<JsonObject?> FiguresOf(string folder, TrainOptions options, CancellationToken cancellation)
    {
        var run = new RunFolder(folder);
        using var training = run.HoldsRun ? TrainRun.Resume(folder, stored => RequireSame(folder, stored, options)) : TrainRun.Start(folder, options);
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

    private static void RequireSame(string folder, TrainOptions stored, TrainOptions given)
    {
        var expected = given with { TrainingImages = stored.TrainingImages, TestImages = stored.TestImages };
        if (StoredOptions.FirstDifference(StoredOptions.Flatten(stored), StoredOptions.Flatten(expected)) is not null)
        {
            throw new UsageException($"'{folder}' holds a run with other options: give the sweep's own, or another --out.");
        }
    }

    private static void WriteTable(string file, string name, IReadOnlyList<(double Weight, JsonObject Figures)> models)
    {
        string[] columns = [.. Columns.Where(column => models.Any(model => model.Figures.ContainsKey(column)))];
        var lines = models.Select(model => string.Join(',', columns.Select(column => model.Figures[column]?.ToJsonString() ?? "").Prepend(model.Weight.ToString(CultureInfo.InvariantCulture))));
        AtomicFile.WriteText(file, string.Concat(lines.Prepend(string.Join(',', columns.Prepend(name))).Select(line => $"{line}\n")));
    }

    // Models of nearly the same ELBO that differ in what their latents say: the ELBO does not determine the information.
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

    private static double[] ParseWeights(string name, string text) => [.. text.Split(',').Select(part =>
        double.TryParse(part, CultureInfo.InvariantCulture, out double weight) && double.IsFinite(weight) && (weight > 0 || (weight == 0 && name == Beta)) ? weight : throw new UsageException(
            $"--{name}s is '{text}'; expected {(name == Beta ? "numbers from 0" : "positive numbers")} with commas between them, as in 0.5,1,2."))];
}
