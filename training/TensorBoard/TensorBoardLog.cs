using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Training.TensorBoard;

/// <summary>Event files of a run, for TensorBoard: every number of its log, and its sample grids.</summary>
public sealed class TensorBoardLog : IDisposable
{
    private const string ValidationPrefix = "validation";

    private EventFile? file;

    /// <summary>Writes event files into a run's folder while it is trained, one for each time that training starts or goes on.</summary>
    /// <param name="run">The run.</param>
    public TensorBoardLog(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        run.Started += (_, start) => file = new EventFile(run.Folder.TensorBoard, firstStep: start.Step > 0 ? start.Step + 1 : null);
        run.Logged += (_, line) =>
        {
            foreach (var (name, value) in line.Values)
            {
                file!.AddScalar(TagOf(name), line.Step, value);
            }
        };
        run.GridsDrawn += (_, grids) =>
        {
            foreach (string picture in grids.Files)
            {
                file!.AddImage(Path.GetFileName(picture).Split('-')[0], grids.Step, RegularFile.Read(picture));
            }
        };
    }

    /// <inheritdoc/>
    public void Dispose() => file?.Dispose();

    // TensorBoard puts tags with the same first part side by side.
    private static string TagOf(string name) => name.StartsWith(ValidationPrefix, StringComparison.Ordinal) && name.Length > ValidationPrefix.Length
        ? $"{char.ToLowerInvariant(name[ValidationPrefix.Length])}{name[(ValidationPrefix.Length + 1)..]}/validation" : $"{name}/training";
}
