using System.Globalization;
using OnnxVae.Format;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>The file <c>metrics.csv</c> of a run: the numbers of its log as a table, a row per logged step. Numbers that a step has not are left empty.</summary>
public static class MetricsCsv
{
    /// <summary>Keeps the table of a run up to date while it is trained: it is written anew when training starts or goes on, and then grows with the log.</summary>
    /// <param name="run">The run.</param>
    public static void Follow(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        string[] columns = [];
        run.Started += (_, _) =>
        {
            columns = ColumnsOf(run.Package.Manifest.Step);
            var rows = MetricsLog.Read(run.Folder.Metrics).Where(line => !line.ContainsKey(MetricsLog.Changed)).Select(line => RowOf(new LoggedStep(line["step"]!.GetValue<long>(), MetricsLog.NumbersOf(line)), columns));
            AtomicFile.WriteText(run.Folder.Csv, string.Concat(rows.Prepend($"step,{string.Join(',', columns)}\n")));
        };
        run.Logged += (_, line) => File.AppendAllText(run.Folder.Csv, RowOf(line, columns));
    }

    private static string[] ColumnsOf(ProgramSpec step) =>
    [
        .. step.Metrics.Where(metric => metric.Shape.Rank == 0).Select(metric => metric.Name),
        ValidationFigures.LossName, ValidationFigures.RateName, ValidationFigures.DistortionName,
        .. step.Inputs.Where(input => input.Role == InputRole.Schedule).Select(input => input.Name),
        MetricsLog.Speed, MetricsLog.Seconds,
    ];

    private static string RowOf(LoggedStep line, string[] columns) =>
        string.Join(',', columns.Select(column => line.Values.TryGetValue(column, out double value) ? value.ToString("R", CultureInfo.InvariantCulture) : "").Prepend(line.Step.ToString(CultureInfo.InvariantCulture))) + "\n";
}
