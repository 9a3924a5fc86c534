using System.Text.Json.Nodes;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>A figure of the validation images in the course of a run: the best value, and for how long there has been no better one.</summary>
internal sealed class ValidationHistory
{
    private readonly List<(long Step, double Value)> values = [];

    /// <summary>The history up to where a run is resumed.</summary>
    /// <param name="log">The lines of its log.</param>
    /// <param name="beta">The weight of the rate at the last step: a run that goes on may have another one than before.</param>
    /// <param name="figure">The figure.</param>
    public ValidationHistory(IEnumerable<JsonObject> log, double beta, ValidationFigure figure)
    {
        foreach (var line in log.Where(line => line.ContainsKey(ValidationFigures.LossName)))
        {
            Add(line["step"]!.GetValue<long>(), ValueOf(line, beta, figure));
        }
    }

    /// <summary>The lowest value and its step; null if there is none.</summary>
    public (long Step, double Value)? Best { get; private set; }

    /// <summary>Evaluations since the best one.</summary>
    public int SinceBest { get; private set; }

    /// <summary>Makes the best value that of a step of a kind.</summary>
    /// <param name="isKept">Whether a step counts.</param>
    public void KeepOnly(Func<long, bool> isKept)
    {
        (Best, SinceBest) = (null, 0);
        foreach (var (step, value) in values)
        {
            Judge(step, isKept(step) ? value : double.NaN);
        }
    }

    /// <summary>Adds the value of an earlier step, unless it is known.</summary>
    public void Remember(long step, double value)
    {
        if (values.All(known => known.Step != step))
        {
            values.Insert(values.FindLastIndex(known => known.Step < step) + 1, (step, value));
            KeepOnly(_ => true);
        }
    }

    /// <summary>Adds a value.</summary>
    /// <returns>Whether it is lower than all before.</returns>
    public bool Add(long step, double value)
    {
        values.Add((step, value));
        return Judge(step, value);
    }

    private bool Judge(long step, double value)
    {
        if (double.IsFinite(value) && (Best is not { } best || value < best.Value))
        {
            (Best, SinceBest) = ((step, value), 0);
            return true;
        }

        SinceBest++;
        return false;
    }

    // What was not finite was logged as null, and must not come back as a part of it.
    private static double ValueOf(JsonObject line, double beta, ValidationFigure figure)
    {
        double? loss = MetricsLog.ValueOf(line, ValidationFigures.LossName), rate = MetricsLog.ValueOf(line, ValidationFigures.RateName), distortion = MetricsLog.ValueOf(line, ValidationFigures.DistortionName);
        return (loss is null ? null : new ValidationFigures(ValidationFigures.LossOf(rate, distortion, beta) ?? loss.Value, rate, distortion).ValueOf(figure)) ?? double.NaN;
    }
}
