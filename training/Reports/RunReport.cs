using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Training.Evaluation;
using ScottPlot;

namespace OnnxVae.Training.Reports;

/// <summary>The page <c>report.html</c> of a run: metrics, curves, sample grids. Self-contained: needs no other file and no network.</summary>
public static class RunReport
{
    private const int PlotWidth = 640;
    private const int PlotHeight = 320;

    private const string Style = """
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
        table { border-collapse: collapse; } td, th { padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top; }
        td:last-child { font-variant-numeric: tabular-nums; } figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; }
        figcaption { color: #555; } img { max-width: 100%; image-rendering: pixelated; }
        """;

    /// <summary>Writes the page.</summary>
    /// <param name="file">The page's file.</param>
    /// <param name="manifest">The model.</param>
    /// <param name="figures">The final metrics.</param>
    /// <param name="split">The split that they were computed on.</param>
    /// <param name="log">The lines of the run's log.</param>
    /// <param name="grids">The folder of the run's sample grids, if there is one.</param>
    public static void Write(string file, Manifest manifest, EvaluationFigures figures, string split, IReadOnlyList<JsonObject> log, string grids)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Training report</title><style>{Style}</style>\n");
        page.Append("<h1>Training report</h1>\n");
        AppendTable(page, $"Metrics on the {split} split, nats per image", figures.ToJson());
        AppendTable(page, "Model", manifest.Model);
        AppendTable(page, "Training", manifest.Training);
        if (log.Where(line => line.ContainsKey(MetricsLog.Changed)).ToArray() is [_, ..] changes)
        {
            AppendTable(page, "Changed when the run was resumed", new JsonObject(changes.Select((line, i) => KeyValuePair.Create($"step {line["step"]} ({i + 1})", line[MetricsLog.Changed]?.DeepClone()))));
        }

        page.Append("<h2>Curves</h2>\n");
        foreach (var metric in manifest.Step.Metrics.Where(metric => metric.Shape.Rank == 0))
        {
            string validation = $"validation{char.ToUpperInvariant(metric.Name[0])}{metric.Name[1..]}";
            bool isValidated = log.Any(line => MetricsLog.ValueOf(line, validation) is not null);
            AppendFigure(page, Curve(log, isValidated ? [metric.Name, validation] : [metric.Name]), $"{metric.Name} by step{(isValidated ? ", of training and of validation images" : "")}");
        }

        page.Append("<h2>Images</h2>\n");
        foreach (string grid in FirstAndLast(grids))
        {
            string data = Convert.ToBase64String(RegularFile.Read(grid));
            AppendFigure(page, $"<img alt=\"\" src=\"data:image/png;base64,{data}\">", Path.GetFileNameWithoutExtension(grid));
        }

        AtomicFile.WriteText(file, page.Append("</html>\n").ToString());
    }

    // The first and the last grid of each kind: the start and the end of training.
    private static IEnumerable<string> FirstAndLast(string grids) => Directory.Exists(grids)
        ? Directory.EnumerateFiles(grids, "*.png").Order(StringComparer.Ordinal)
            .GroupBy(file => Path.GetFileName(file).Split('-')[0])
            .SelectMany(kind => kind.Take(1).Union(kind.TakeLast(1)))
        : [];

    // The first metric gives the chart its name; further ones are named in a legend.
    private static string Curve(IReadOnlyList<JsonObject> log, string[] metrics)
    {
        using var plot = new Plot();
        foreach (string metric in metrics)
        {
            var points = log.Where(line => MetricsLog.ValueOf(line, metric) is not null).ToArray();
            var curve = plot.Add.ScatterLine(
                points.Select(line => (double)line["step"]!.GetValue<long>()).ToArray(),
                points.Select(line => MetricsLog.ValueOf(line, metric)!.Value).ToArray());
            curve.LegendText = metric == metrics[0] ? "training" : "validation";
        }

        if (metrics.Length > 1)
        {
            plot.ShowLegend();
            if (log.Where(line => MetricsLog.ValueOf(line, ValidationFigures.LossName) is not null).MinBy(line => MetricsLog.ValueOf(line, ValidationFigures.LossName)) is { } best)
            {
                plot.Add.VerticalLine(best["step"]!.GetValue<long>()).LegendText = "best step";
            }
        }

        plot.XLabel("step");
        plot.YLabel(metrics[0]);
        string svg = plot.GetSvgXml(PlotWidth, PlotHeight);
        return svg[svg.IndexOf("<svg", StringComparison.Ordinal)..];
    }

    private static void AppendTable(StringBuilder page, string title, JsonObject rows)
    {
        page.Append(CultureInfo.InvariantCulture, $"<h2>{Escape(title)}</h2>\n<table>\n");
        foreach (var (name, value) in rows)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Escape(name)}</td><td>{Escape(Text(value))}</td></tr>\n");
        }

        page.Append("</table>\n");
    }

    private static void AppendFigure(StringBuilder page, string content, string caption) =>
        page.Append(CultureInfo.InvariantCulture, $"<figure>{content}<figcaption>{Escape(caption)}</figcaption></figure>\n");

    private static string Text(JsonNode? value) => value switch
    {
        JsonArray array => string.Join(", ", array.Select(Text)),
        JsonValue number when number.TryGetValue(out double d) => d.ToString("0.####", CultureInfo.InvariantCulture),
        JsonValue text when text.TryGetValue(out string? s) => s,
        _ => value?.ToJsonString() ?? "",
    };

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
