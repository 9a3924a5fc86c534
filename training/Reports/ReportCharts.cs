using ScottPlot;

namespace OnnxVae.Training.Reports;

/// <summary>A curve of a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">Its points, by step.</param>
internal sealed record ReportCurve(string Name, IReadOnlyList<(double Step, double Value)> Points);

/// <summary>The charts of a report, as SVG that can be read on a light and on a dark page.</summary>
internal static class ReportCharts
{
    private const int Width = 540, Height = 300;
    private const int BarHeight = 240;
    private const double Margin = 0.06, RightMargin = 0.015;
    private const float LabelSpace = 24; // for half of the last tick's label, pixels

    private static readonly Color Axis = Color.FromHex("#8a919b");
    private static readonly Color[] Palette = [Color.FromHex("#3b82d6"), Color.FromHex("#e0803a")];

    /// <summary>Curves over the steps.</summary>
    /// <param name="label">The vertical axis.</param>
    /// <param name="curves">The curves; a legend names them if there are several.</param>
    /// <param name="best">The step to mark; null for none.</param>
    /// <param name="from">The share of the steps from which on all values are seen; those of earlier steps may be above or below.</param>
    public static string Curves(string label, IReadOnlyList<ReportCurve> curves, long? best, double from)
    {
        using var plot = Themed("step", label);
        foreach (var (curve, color) in curves.Zip(Palette))
        {
            var line = plot.Add.ScatterLine(curve.Points.Select(point => point.Step).ToArray(), curve.Points.Select(point => point.Value).ToArray(), color);
            (line.LegendText, line.LineWidth) = (curves.Count > 1 ? curve.Name : "", 1.5f);
        }

        if (best is { } step)
        {
            var mark = plot.Add.VerticalLine(step, 1, Axis, LinePattern.Dashed);
            mark.LegendText = "best step";
        }

        double last = curves.SelectMany(curve => curve.Points).Max(point => point.Step);
        double[] late = [.. curves.SelectMany(curve => curve.Points).Where(point => point.Step >= from * last).Select(point => point.Value)];
        double lowest = late.Min(), highest = late.Max(), margin = Math.Max(Margin * (highest - lowest), 1e-6 * Math.Max(1, Math.Abs(highest)));
        plot.Axes.SetLimits(0, last * (1 + RightMargin), lowest - margin, highest + margin);
        if (curves.Count > 1 || best is not null)
        {
            plot.ShowLegend(Edge.Top).Legend.Orientation = Orientation.Horizontal;
        }

        return plot.GetSvgXml(Width, Height);
    }

    /// <summary>A bar for each value, the largest first.</summary>
    /// <param name="label">The vertical axis.</param>
    /// <param name="values">The values.</param>
    public static string Bars(string label, IEnumerable<double> values)
    {
        using var plot = Themed("latents, by rate", label);
        var bars = plot.Add.Bars(values.OrderDescending().ToArray());
        foreach (var bar in bars.Bars)
        {
            (bar.FillColor, bar.LineWidth) = (Palette[0], 0);
        }

        plot.Axes.Margins(bottom: 0);
        return plot.GetSvgXml(Width, BarHeight);
    }

    private static Plot Themed(string horizontal, string vertical)
    {
        var plot = new Plot();
        ApplyTheme(plot);
        plot.Axes.Right.MinimumSize = LabelSpace;
        plot.XLabel(horizontal);
        plot.YLabel(vertical);
        return plot;
    }

    /// <summary>Gives a plot no background, and axes, legend and labels in a gray that can be read on any.</summary>
    public static void ApplyTheme(Plot plot)
    {
        (plot.FigureBackground.Color, plot.DataBackground.Color) = (Colors.Transparent, Colors.Transparent);
        plot.Axes.Color(Axis);
        plot.Grid.MajorLineColor = Axis.WithAlpha(0.25);
        var legend = plot.Legend;
        (legend.BackgroundColor, legend.OutlineColor, legend.FontColor, legend.ShadowColor) = (Colors.Transparent, Colors.Transparent, Axis, Colors.Transparent);
        foreach (var text in plot.GetPlottables<ScottPlot.Plottables.Text>())
        {
            text.LabelFontColor = Axis;
        }
    }
}
