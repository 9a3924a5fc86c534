using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Training.Reports;

/// <summary>What the page of a run is made of.</summary>
public sealed record RunReportContents
{
    /// <summary>The model, and how it is trained.</summary>
    public required Manifest Manifest { get; init; }

    /// <summary>The final figures.</summary>
    public required EvaluationFigures Figures { get; init; }

    /// <summary>The split that they were computed on.</summary>
    public required string Split { get; init; }

    /// <summary>The lines of the run's log.</summary>
    public required IReadOnlyList<JsonObject> Log { get; init; }

    /// <summary>The step whose states were evaluated.</summary>
    public required long Step { get; init; }

    /// <summary>Whether they are the best ones by a validation figure, rather than the last ones.</summary>
    public bool IsBest { get; init; }

    /// <summary>The folder of the run's sample grids, if there is one.</summary>
    public required string Grids { get; init; }

    /// <summary>The data set's name or path; null to leave it out.</summary>
    public string? Data { get; init; }

    /// <summary>All options of the run.</summary>
    public JsonObject Options { get; init; } = [];

    /// <summary>Those options that were given, to be shown instead of all; null to show all.</summary>
    public JsonObject? GivenOptions { get; init; }
}

/// <summary>The page <c>report.html</c> of a run: what was trained, pictures, curves, figures, settings.</summary>
public static class RunReport
{
    private const int PicturesOfCourse = 6;
    private const double EarlyShare = 0.1; // of the steps: losses fall so fast there that nothing else would be seen
    private const string ValidationPrefix = "validation";

    private static readonly string[] KindsOfGrids = ["samples", "reconstructions", "colorizations", "mixture"];

    /// <summary>Writes the page.</summary>
    /// <param name="file">The page's file.</param>
    /// <param name="contents">What it shows.</param>
    public static void Write(string file, RunReportContents contents)
    {
        ArgumentNullException.ThrowIfNull(contents);
        var page = new ReportPage(TitleOf(contents));
        page.Summary(SummaryOf(contents));
        AddPictures(page, contents);
        AddCurves(page, contents);
        AddFigures(page, contents);
        AddSettings(page, contents);
        page.Save(file);
    }

    private static string TitleOf(RunReportContents contents) =>
        contents.Data is { } data ? $"{NetworkOf(contents)} on {Wording.LastPart(data)}" : NetworkOf(contents);

    private static string NetworkOf(RunReportContents contents) => Text(contents.Manifest.Model["network"]) ?? Wording.Sentence(Text(contents.Options["kind"]) ?? "model");

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    // What was trained on what, when, for how long.
    private static string SummaryOf(RunReportContents contents)
    {
        var (manifest, log) = (contents.Manifest, contents.Log);
        string size = $"{Wording.Value(manifest.Model["parameters"])} parameters{(manifest.Model["latents"] is { } latents ? $", {Wording.Value(latents)} latents" : "")}";
        long steps = log.Count > 0 ? log[^1]["step"]!.GetValue<long>() : contents.Step;
        string data = contents.Data is { } name ? $" on {Wording.LastPart(name)}" : "";
        string time = log.Select(line => MetricsLog.ValueOf(line, MetricsLog.Seconds)).LastOrDefault(value => value is not null) is { } seconds ? $" in {Wording.Time(seconds)}" : "";
        string day = DateTime.TryParse(log.Select(line => Text(line[MetricsLog.Time])).LastOrDefault(text => text is not null), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var end)
            ? $", finished on {end.ToString("d MMMM yyyy", CultureInfo.InvariantCulture)}" : "";
        string kept = contents.IsBest && contents.Step < steps ? $" The states of step {Wording.Number(contents.Step)}, the best ones, were evaluated." : "";
        return $"{NetworkOf(contents)}, {size}, trained{data} for {Wording.Number(steps)} steps with batches of {Wording.Number(manifest.Step.Images.Shape[0])} images{time}{day}.{kept}";
    }

    private static void AddPictures(ReportPage page, RunReportContents contents)
    {
        var grids = KindsOfGrids.Select(kind => (Kind: kind, Files: GridsOf(contents.Grids, kind))).Where(grid => grid.Files.Length > 0).ToArray();
        if (grids.Length == 0)
        {
            return;
        }

        page.Heading("Pictures");
        foreach (var (kind, files) in grids)
        {
            page.Picture(files.LastOrDefault(file => StepOf(file) <= contents.Step) ?? files[^1], CaptionOf(kind));
        }

        foreach (var (kind, files) in grids.Where(grid => grid.Files.Length > 1))
        {
            page.Subheading($"{Wording.Sentence(kind)} during training");
            page.Course(() =>
            {
                foreach (string file in EvenlySpaced(files))
                {
                    page.Picture(file, $"step {Wording.Number(StepOf(file))}");
                }
            });
        }
    }

    private static string CaptionOf(string kind) => kind switch
    {
        "samples" => "Samples: latents drawn from the prior, decoded",
        "reconstructions" => "Reconstructions: held-out images, each with its reconstruction below",
        "colorizations" => "Colorizations of held-out images",
        _ => "Samples: latents drawn from the fitted mixture, decoded",
    };

    private static string[] GridsOf(string folder, string kind) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, $"{kind}-*.png").Where(file => StepOf(file) >= 0).Order(StringComparer.Ordinal)] : [];

    private static long StepOf(string grid) =>
        long.TryParse(Path.GetFileNameWithoutExtension(grid).Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : -1;

    private static IEnumerable<string> EvenlySpaced(string[] files) =>
        Enumerable.Range(0, Math.Min(PicturesOfCourse, files.Length)).Select(i => files[i * (files.Length - 1) / Math.Max(1, Math.Min(PicturesOfCourse, files.Length) - 1)]);

    private static void AddCurves(ReportPage page, RunReportContents contents)
    {
        var step = contents.Manifest.Step;
        HashSet<string> schedules = [.. step.Inputs.Where(input => input.Schedule is not (null or BiasCorrectionSchedule or AveragingSchedule)).Select(input => input.Name)];
        string[] names = [.. step.Metrics.Where(metric => metric.Shape.Rank == 0 && metric.Name != StateNames.ClippedShare).Select(metric => metric.Name), .. schedules];
        var charts = names.Select(name => (Name: name, Curves: CurvesOf(contents.Log, name))).Where(chart => chart.Curves.Any(IsDrawn)).ToArray();
        if (charts.Length > 0)
        {
            page.Heading("Curves");
        }

        if (PointsOf(contents.Log, StateNames.ClippedShare) is [.., var clipped])
        {
            page.Sentence(string.Create(CultureInfo.InvariantCulture, $"The gradient was clipped in {100 * clipped.Value:0.#} % of the steps."));
        }

        foreach (var (name, curves) in charts)
        {
            string caption = $"{Wording.Sentence(Wording.Name(name))} by step{(curves.Count > 1 ? ", of training and of validation images" : "")}";
            page.Drawing(ReportCharts.Curves(Wording.Name(name), curves, contents.IsBest && curves.Count > 1 ? contents.Step : null, schedules.Contains(name) ? 0 : EarlyShare), caption);
        }
    }

    private static IReadOnlyList<ReportCurve> CurvesOf(IReadOnlyList<JsonObject> log, string name)
    {
        ReportCurve[] curves = [new("training", PointsOf(log, name)), new("validation", PointsOf(log, $"{ValidationPrefix}{char.ToUpperInvariant(name[0])}{name[1..]}"))];
        return [.. curves.Where(curve => curve.Points.Count > 0)];
    }

    private static IReadOnlyList<(double Step, double Value)> PointsOf(IReadOnlyList<JsonObject> log, string entry) =>
        [.. log.Where(line => MetricsLog.ValueOf(line, entry) is { } value && double.IsFinite(value)).Select(line => ((double)line["step"]!.GetValue<long>(), MetricsLog.ValueOf(line, entry)!.Value))];

    // A curve that does not change says nothing.
    private static bool IsDrawn(ReportCurve curve) => curve.Points.Count > 1 && curve.Points.Any(point => point.Value != curve.Points[0].Value);

    private static void AddFigures(ReportPage page, RunReportContents contents)
    {
        page.Heading($"Figures on the {contents.Split} images");
        var figures = contents.Figures.ToJson();
        foreach (var (name, sentence) in figures.Where(entry => Text(entry.Value) is not null))
        {
            page.Sentence($"{FigureText.Of(name).Title}: {Text(sentence)}.");
        }

        page.Table(["figure", "value", "what it means"], figures.Where(entry => entry.Value is not JsonArray && Text(entry.Value) is null).Select(IReadOnlyList<string> (entry) =>
        {
            var text = FigureText.Of(entry.Key);
            return [text.Title, Wording.Value(entry.Value), text.Meaning];
        }));
        if (contents.Figures.RatePerLatent is { Count: > 1 } rates)
        {
            page.Drawing(ReportCharts.Bars("rate, nats", rates), "Rate of each latent, the largest first: a latent without rate is not in use");
        }
    }

    private static void AddSettings(ReportPage page, RunReportContents contents) => page.Folded("Settings", () =>
    {
        var changes = contents.Log.Where(line => line.ContainsKey(MetricsLog.Changed)).ToArray();
        AddRows(page, "Changed when the run was resumed", changes.Select(line => ($"after step {line["step"]}", Wording.Value(line[MetricsLog.Changed]))));
        foreach (var (title, group) in GroupsOf(contents.GivenOptions is null ? "Options" : "Options given at the start", contents.GivenOptions ?? contents.Options)
            .Append(("Model", contents.Manifest.Model)).Concat(GroupsOf("Training", contents.Manifest.Training)))
        {
            AddRows(page, title, group.Where(entry => entry.Value is not null).Select(entry => (Wording.Sentence(Wording.Name(entry.Key)), IsTable(entry.Value) ? ColumnsOf((JsonArray)entry.Value!) : Wording.Value(entry.Value))));
        }
    });

    // The columns of a table.
    private static bool IsTable(JsonNode? value) => value is JsonArray { Count: > 0 } entries && entries.All(entry => entry is JsonObject column && column.ContainsKey("name") && column.ContainsKey("kind"));

    private static string ColumnsOf(JsonArray columns) => string.Join(", ", columns.Select(column => $"{Text(column!["name"])} ({Text(column["kind"])})"));

    // Entries that stand in no group, and then each group. A schedule is a value.
    private static IEnumerable<(string Title, JsonObject Entries)> GroupsOf(string title, JsonObject entries)
    {
        yield return (title, new JsonObject(entries.Where(entry => !IsGroup(entry.Value)).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone()))));
        foreach (var (name, group) in entries.Where(entry => IsGroup(entry.Value)).SelectMany(entry => GroupsOf($"{title}: {Wording.Name(entry.Key)}", (JsonObject)entry.Value!)))
        {
            yield return (name, group);
        }

        static bool IsGroup(JsonNode? value) => value is JsonObject group && !group.ContainsKey("kind");
    }

    private static void AddRows(ReportPage page, string title, IEnumerable<(string Name, string Value)> rows)
    {
        var shown = rows.Where(row => row.Value.Length > 0).ToArray();
        if (shown.Length > 0)
        {
            page.Subheading(title);
            page.Table([], shown.Select(IReadOnlyList<string> (row) => [row.Name, row.Value]));
        }
    }
}
