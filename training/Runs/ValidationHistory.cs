using System.Text.Json.Nodes;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>The validation losses of a run so far: the best one, and for how long there has been no better one.</summary>
internal sealed class ValidationHistory
{
    /// <summary>The history up to where a run is resumed.</summary>
    /// <param name="log">The lines of its log.</param>
    /// <param name="beta">The weight of the rate at the last step: a run that goes on may have another one than before. Null for losses as they were logged.</param>
    public ValidationHistory(IEnumerable<JsonObject> log, double? beta)
    {
        foreach (var line in log.Where(line => line.ContainsKey(ValidationFigures.LossName)))
        {
            double? rate = MetricsLog.ValueOf(line, ValidationFigures.RateName), distortion = MetricsLog.ValueOf(line, ValidationFigures.DistortionName);
            Add(line["step"]!.GetValue<long>(), (beta is { } weight ? ValidationFigures.LossOf(rate, distortion, weight) : null) ?? MetricsLog.ValueOf(line, ValidationFigures.LossName) ?? double.NaN);
        }
    }

    /// <summary>The last loss; null if there is none.</summary>
    public double? Last { get; private set; }

    /// <summary>The lowest loss and its step; null if there is none.</summary>
    public (long Step, double Loss)? Best { get; private set; }

    /// <summary>Evaluations since the best one.</summary>
    public int SinceBest { get; private set; }

    /// <summary>Forgets the best loss, whose states are not there any more.</summary>
    public void ForgetBest() => (Best, SinceBest) = (null, 0);

    /// <summary>Adds a loss.</summary>
    /// <returns>Whether it is lower than all before.</returns>
    public bool Add(long step, double loss)
    {
        Last = loss;
        if (double.IsFinite(loss) && (Best is not { } best || loss < best.Loss))
        {
            (Best, SinceBest) = ((step, loss), 0);
            return true;
        }

        SinceBest++;
        return false;
    }
}
