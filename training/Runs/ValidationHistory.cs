using System.Text.Json.Nodes;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>The validation losses of a run so far: the best one, and for how long there has been no better one.</summary>
internal sealed class ValidationHistory
{
    private readonly List<(long Step, double Loss)> losses = [];

    /// <summary>The history up to where a run is resumed.</summary>
    /// <param name="log">The lines of its log.</param>
    /// <param name="beta">The weight of the rate at the last step: a run that goes on may have another one than before.</param>
    public ValidationHistory(IEnumerable<JsonObject> log, double beta)
    {
        foreach (var line in log.Where(line => line.ContainsKey(ValidationFigures.LossName)))
        {
            Add(line["step"]!.GetValue<long>(), LossOf(line, beta));
        }
    }

    /// <summary>The last loss that was finite; null if there is none.</summary>
    public double? Last { get; private set; }

    /// <summary>The lowest loss and its step; null if there is none.</summary>
    public (long Step, double Loss)? Best { get; private set; }

    /// <summary>Evaluations since the best one.</summary>
    public int SinceBest { get; private set; }

    /// <summary>Makes the best loss that of a step of a kind.</summary>
    /// <param name="isKept">Whether a step counts.</param>
    public void KeepOnly(Func<long, bool> isKept)
    {
        (Best, SinceBest) = (null, 0);
        foreach (var (step, loss) in losses)
        {
            Judge(step, isKept(step) ? loss : double.NaN);
        }
    }

    /// <summary>Adds a loss.</summary>
    /// <returns>Whether it is lower than all before.</returns>
    public bool Add(long step, double loss)
    {
        losses.Add((step, loss));
        Last = double.IsFinite(loss) ? loss : Last;
        return Judge(step, loss);
    }

    private bool Judge(long step, double loss)
    {
        if (double.IsFinite(loss) && (Best is not { } best || loss < best.Loss))
        {
            (Best, SinceBest) = ((step, loss), 0);
            return true;
        }

        SinceBest++;
        return false;
    }

    // What was not finite was logged as null, and must not come back as a part of it.
    private static double LossOf(JsonObject line, double beta) => MetricsLog.ValueOf(line, ValidationFigures.LossName) is not { } logged ? double.NaN
        : ValidationFigures.LossOf(MetricsLog.ValueOf(line, ValidationFigures.RateName), MetricsLog.ValueOf(line, ValidationFigures.DistortionName), beta) ?? logged;
}
