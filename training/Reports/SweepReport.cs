using System.Text.Json.Nodes;

namespace OnnxVae.Training.Reports;

/// <summary>A model of a sweep.</summary>
/// <param name="Weight">The value of the varied option.</param>
/// <param name="Figures">Its figures, by name, with <c>rate</c> and <c>distortion</c> among them.</param>
/// <param name="Folder">Its run's folder, relative to the page.</param>
/// <param name="Samples">A picture of its samples, a PNG file; null if there is none.</param>
public sealed record SweepModel(string Weight, JsonObject Figures, string Folder, string? Samples)
{
    /// <summary>Its place in the rate-distortion plane.</summary>
    public RateDistortionModel Point => new(Weight, (double)Figures["rate"]!, (double)Figures["distortion"]!);
}

/// <summary>What the page of a sweep is made of.</summary>
public sealed record SweepReportContents
{
    /// <summary>What is varied: <c>beta</c>, for instance.</summary>
    public required string Varied { get; init; }

    /// <summary>The data set's name or path.</summary>
    public required string Data { get; init; }

    /// <summary>The models.</summary>
    public required IReadOnlyList<SweepModel> Models { get; init; }

    /// <summary>The figures to show, by name.</summary>
    public required IReadOnlyList<string> Columns { get; init; }

    /// <summary>Points of a reference curve; empty for none.</summary>
    public IReadOnlyList<(double Rate, double Distortion)> Reference { get; init; } = [];

    /// <summary>The name of that curve.</summary>
    public string ReferenceName { get; init; } = "";
}

/// <summary>The page of a sweep: rate against distortion, the figures of all models side by side, their samples.</summary>
public static class SweepReport
{
    private const string ReportFile = "report.html";

    /// <summary>Writes the page.</summary>
    /// <param name="file">The page's file.</param>
    /// <param name="contents">What it shows.</param>
    public static void Write(string file, SweepReportContents contents)
    {
        ArgumentNullException.ThrowIfNull(contents);
        var (varied, models) = (contents.Varied, contents.Models);
        var page = new ReportPage($"Sweep over {varied} on {Wording.LastPart(contents.Data)}");
        page.Summary($"{models.Count} models of {Wording.LastPart(contents.Data)} that differ in {varied} alone: {string.Join(", ", models.Select(model => model.Weight))}.");
        page.Heading("Rate and distortion");
        page.Drawing(
            RateDistortionPlot.ToSvg([.. models.Select(model => model.Point)], contents.Reference, contents.ReferenceName),
            "Each point is a model. Along a dotted line the sum of rate and distortion is the same: models on it differ only in how much they put into the latents");
        page.Heading("Figures");
        page.Table([varied, .. contents.Columns.Select(column => FigureText.Of(column).Title)], models.Select(IReadOnlyList<string> (model) => [model.Weight, .. contents.Columns.Select(column => Wording.Value(model.Figures[column]))]));
        page.Folded("What the figures mean", () => page.Table([], contents.Columns.Select(IReadOnlyList<string> (column) => [FigureText.Of(column).Title, FigureText.Of(column).Meaning])));
        if (models.Any(model => model.Samples is not null))
        {
            page.Heading("Samples");
        }

        foreach (var model in models.Where(model => model.Samples is not null))
        {
            page.Picture(model.Samples!, $"{varied} {model.Weight}, with its report", $"{model.Folder}/{ReportFile}");
        }

        page.Save(file);
    }
}
