using System.Globalization;
using OnnxVae.Format;
using ScottPlot;

namespace OnnxVae.Training.Reports;

/// <summary>A trained model in the rate-distortion plane: rate is the KL term, distortion the reconstruction loss.</summary>
/// <param name="Label">What distinguishes it: its beta, its lambda.</param>
/// <param name="Rate">E KL(Q(z|y) || P(z)), nats per image.</param>
/// <param name="Distortion">E [-ln P(y|z)], nats per image.</param>
public sealed record RateDistortionModel(string Label, double Rate, double Distortion);

/// <summary>Models in the rate-distortion plane, with lines of equal ELBO.</summary>
/// <remarks>Alemi et al. 2018, Fixing a broken ELBO, arXiv 1711.00464, figure 1.</remarks>
public static class RateDistortionPlot
{
    private const int Width = 900;
    private const int Height = 600;
    private const int EqualElboLines = 6;
    private const double Margin = 0.1;

    /// <summary>Writes the plot.</summary>
    /// <param name="path">A .png or .svg file.</param>
    /// <param name="models">The models.</param>
    /// <param name="reference">Points of a reference curve; empty for none.</param>
    /// <param name="referenceName">The name of the curve.</param>
    public static void Save(string path, IReadOnlyList<RateDistortionModel> models, IReadOnlyList<(double Rate, double Distortion)> reference, string referenceName)
    {
        using var plot = Draw(models, reference, referenceName);
        if (path.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
        {
            AtomicFile.WriteText(path, plot.GetSvgXml(Width, Height));
            return;
        }

        byte[] png = plot.GetImageBytes(Width, Height, ImageFormat.Png);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>The plot as SVG, for a page.</summary>
    /// <inheritdoc cref="Save"/>
    internal static string ToSvg(IReadOnlyList<RateDistortionModel> models, IReadOnlyList<(double Rate, double Distortion)> reference, string referenceName)
    {
        using var plot = Draw(models, reference, referenceName);
        ReportCharts.ApplyTheme(plot);
        return plot.GetSvgXml(Width, Height);
    }

    private static Plot Draw(IReadOnlyList<RateDistortionModel> models, IReadOnlyList<(double Rate, double Distortion)> reference, string referenceName)
    {
        var plot = new Plot();
        var (left, right) = Range([.. models.Select(model => model.Rate)]);
        var (bottom, top) = Range(
        [
            .. models.Select(model => model.Distortion),
            .. reference.Where(point => point.Rate >= left && point.Rate <= right).Select(point => point.Distortion),
        ]);
        AddEqualElboLines(plot, left, right, bottom, top);
        if (reference.Count > 0)
        {
            var curve = plot.Add.ScatterLine(reference.Select(point => point.Rate).ToArray(), reference.Select(point => point.Distortion).ToArray());
            curve.LegendText = referenceName;
            curve.LineWidth = 2;
        }

        var ordered = models.OrderBy(model => model.Rate).ToArray();
        var trained = plot.Add.Scatter(ordered.Select(model => model.Rate).ToArray(), ordered.Select(model => model.Distortion).ToArray());
        trained.LegendText = "trained models";
        trained.MarkerSize = 8;
        foreach (var model in ordered)
        {
            plot.Add.Text($" {model.Label}", model.Rate, model.Distortion);
        }

        plot.XLabel("rate, nats per image");
        plot.YLabel("distortion, nats per image");
        plot.Title("Rate and distortion; dotted: equal ELBO");
        plot.Axes.SetLimits(left, right, bottom, top);
        plot.ShowLegend(Alignment.UpperRight);
        return plot;
    }

    // Rate + distortion is constant along each of them.
    private static void AddEqualElboLines(Plot plot, double left, double right, double bottom, double top)
    {
        for (int i = 1; i < EqualElboLines; i++)
        {
            double negativeElbo = left + bottom + ((right - left + top - bottom) * i / EqualElboLines);
            var line = plot.Add.ScatterLine((double[])[left, right], (double[])[negativeElbo - left, negativeElbo - right]);
            (line.LinePattern, line.LineColor) = (LinePattern.Dotted, Colors.Gray);
            double x = Math.Clamp(negativeElbo - top, left, right);
            var text = plot.Add.Text(string.Create(CultureInfo.InvariantCulture, $"{negativeElbo:0.#}"), x, negativeElbo - x);
            (text.LabelFontColor, text.LabelFontSize) = (Colors.Gray, 10);
        }
    }

    private static (double From, double To) Range(double[] values)
    {
        double span = Math.Max(values.Max() - values.Min(), 1);
        return (values.Min() - (Margin * span), values.Max() + (Margin * span));
    }
}
