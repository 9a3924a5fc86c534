using System.Text.Json.Nodes;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>The validation losses of a run so far: the best one, and for how long there has been no better one.</summary>
internal sealed class ValidationHistory
{
    /// <summary>The history up to where a run is resumed.</summary>
    /// <param name="log">The lines of its log.</param>
    public ValidationHistory(IEnumerable<JsonObject> log)
    {
        foreach (var line in log)
        {
            if (line.ContainsKey(ValidationFigures.LossName))
            {
                Add(line["step"]!.GetValue<long>(), MetricsLog.ValueOf(line, ValidationFigures.LossName) ?? double.NaN);
            }
        }
    }

    /// <summary>The last loss; null if there is none.</summary>
    public double? Last { get; private set; }

    /// <summary>The lowest loss and its step; null if there is none.</summary>
    public (long Step, double Loss)? Best { get; private set; }

    /// <summary>Evaluations since the best one.</summary>
    public int SinceBest { get; private set; }

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
