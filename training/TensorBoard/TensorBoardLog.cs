using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Training.TensorBoard;

/// <summary>
/// Event files of a run, for TensorBoard: every number of its log, as <c>NAME/training</c> and <c>NAME/validation</c>, and its sample grids under the names of their
/// kinds. They are written into the run's folder while it is trained, a file for each time that training starts or goes on.
/// </summary>
public sealed class TensorBoardLog : IDisposable
{
    private const string ValidationPrefix = "validation";

    private readonly TrainingRun run;
    private EventFile? file;

    /// <summary>Follows a run until it is disposed.</summary>
    /// <param name="run">The run.</param>
    public TensorBoardLog(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        this.run = run;
        run.Started += Open;
        run.Logged += Add;
        run.GridsDrawn += Add;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        run.Started -= Open;
        run.Logged -= Add;
        run.GridsDrawn -= Add;
        file?.Dispose();
    }

    private void Open(object? sender, TrainingStart start)
    {
        file?.Dispose();
        bool hasEarlier = Directory.Exists(run.Folder.TensorBoard) && Directory.EnumerateFiles(run.Folder.TensorBoard).Any();
        file = new EventFile(run.Folder.TensorBoard, firstStep: hasEarlier ? start.Step + 1 : null);
    }

    private void Add(object? sender, LoggedStep line)
    {
        foreach (var (name, value) in line.Values)
        {
            file!.AddScalar(TagOf(name), line.Step, value);
        }
    }

    private void Add(object? sender, DrawnGrids grids)
    {
        foreach (string picture in grids.Files)
        {
            file!.AddImage(Path.GetFileName(picture).Split('-')[0], grids.Step, RegularFile.Read(picture));
        }
    }

    // TensorBoard puts tags with the same first part side by side.
    private static string TagOf(string name) => name.StartsWith(ValidationPrefix, StringComparison.Ordinal) && name.Length > ValidationPrefix.Length
        ? $"{char.ToLowerInvariant(name[ValidationPrefix.Length])}{name[(ValidationPrefix.Length + 1)..]}/validation" : $"{name}/training";
}
