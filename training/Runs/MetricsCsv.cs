using System.Globalization;
using System.Text;
using OnnxVae.Format;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>
/// The file <c>metrics.csv</c> of a run: the numbers of its log as a table, a row per logged step; numbers that a step doesn't have are left empty. It is written anew
/// when training starts or goes on, and then grows with the log.
/// </summary>
public sealed class MetricsCsv : IDisposable
{
    private readonly TrainingRun run;
    private readonly string[] columns;
    private readonly StringBuilder rows = new(); // not written yet

    /// <summary>Follows a run until it is disposed.</summary>
    /// <param name="run">The run.</param>
    public MetricsCsv(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        (this.run, columns) = (run, ColumnsOf(run.Package.Manifest.Step));
        run.Started += Open;
        run.Logged += Add;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        run.Started -= Open;
        run.Logged -= Add;
    }

    private void Open(object? sender, TrainingStart start)
    {
        rows.Clear();
        var logged = MetricsLog.Read(run.Folder.Metrics).Where(line => !line.ContainsKey(MetricsLog.Changed)).Select(line => RowOf(new LoggedStep(line["step"]!.GetValue<long>(), MetricsLog.NumbersOf(line))));
        AtomicFile.WriteText(run.Folder.Csv, string.Concat(logged.Prepend($"step,{string.Join(',', columns)}\n")));
    }

    // A program that shows the table may keep others from writing to it; training does not end for that.
    private void Add(object? sender, LoggedStep line)
    {
        rows.Append(RowOf(line));
        try
        {
            File.AppendAllText(run.Folder.Csv, rows.ToString());
            rows.Clear();
        }
        catch (IOException)
        {
            // Written with the next line, or anew when training goes on.
        }
    }

    private static string[] ColumnsOf(ProgramSpec step) =>
    [
        .. step.Metrics.Where(metric => metric.Shape.Rank == 0).Select(metric => metric.Name),
        ValidationFigures.LossName, ValidationFigures.RateName, ValidationFigures.DistortionName,
        .. step.Inputs.Where(input => input.Role == InputRole.Schedule).Select(input => input.Name),
        MetricsLog.Speed, MetricsLog.Efficiency, MetricsLog.Seconds,
    ];

    private string RowOf(LoggedStep line) => string.Join(
        ',', columns.Select(column => line.Values.TryGetValue(column, out double value) ? value.ToString("R", CultureInfo.InvariantCulture) : "").Prepend(line.Step.ToString(CultureInfo.InvariantCulture))) + "\n";
}
