using System.Text.Json.Nodes;

namespace OnnxVae.Training.Reports;

/// <summary>A model of a sweep.</summary>
/// <param name="Weight">The value of the varied option.</param>
/// <param name="Figures">Its figures, by name.</param>
/// <param name="Folder">Its run's folder, relative to the page.</param>
/// <param name="Samples">A picture of its samples; null if there is none.</param>
public sealed record SweepModel(string Weight, JsonObject Figures, string Folder, string? Samples);

/// <summary>The page of a sweep: rate against distortion, the figures of all models side by side, their samples.</summary>
public static class SweepReport
{
    private const string ReportFile = "report.html";

    /// <summary>Writes the page.</summary>
    /// <param name="file">The page's file.</param>
    /// <param name="varied">What is varied: <c>beta</c>, for instance.</param>
    /// <param name="data">The data set's name.</param>
    /// <param name="models">The models.</param>
    /// <param name="columns">The figures to show, by name.</param>
    /// <param name="points">The models in the rate-distortion plane.</param>
    /// <param name="reference">Points of a reference curve; empty for none.</param>
    /// <param name="referenceName">The name of the curve.</param>
    public static void Write(
        string file, string varied, string data, IReadOnlyList<SweepModel> models, IReadOnlyList<string> columns,
        IReadOnlyList<RateDistortionModel> points, IReadOnlyList<(double Rate, double Distortion)> reference, string referenceName)
    {
        ArgumentNullException.ThrowIfNull(models);
        var page = new ReportPage($"Sweep over {varied} on {Path.GetFileName(Path.TrimEndingDirectorySeparator(data))}");
        page.Summary($"{models.Count} models of {data}, the same but for {varied}: {string.Join(", ", models.Select(model => model.Weight))}.");
        page.Heading("Rate and distortion");
        page.Drawing(RateDistortionPlot.ToSvg(points, reference, referenceName), "Each point is a model. Along a dotted line the sum is the same, the negative ELBO: models on it differ only in how much they put into the latents");
        page.Heading("Figures");
        page.Table([varied, .. columns.Select(column => FigureText.Of(column).Title)], models.Select(IReadOnlyList<string> (model) => [model.Weight, .. columns.Select(column => Wording.Value(model.Figures[column]))]));
        page.Folded("What the figures mean", () => page.Table([], columns.Select(IReadOnlyList<string> (column) => [FigureText.Of(column).Title, FigureText.Of(column).Meaning])));
        if (models.Any(model => model.Samples is not null))
        {
            page.Heading("Samples");
        }

        foreach (var model in models.Where(model => model.Samples is not null))
        {
            page.Picture(model.Samples!, $"{varied} {model.Weight}: its own report", $"{model.Folder}/{ReportFile}");
        }

        page.Save(file);
    }
}
