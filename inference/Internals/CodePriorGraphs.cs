using OnnxVae.Format;

namespace OnnxVae.Inference.Internals;

/// <summary>The graphs that make up a prior of codes, and the limit on concurrent draws.</summary>
internal sealed class CodePriorGraphs : IDisposable
{
    private readonly List<OnnxSession> opened = [];
    private readonly SessionTurns turns;

    /// <inheritdoc cref="TrainedCodePrior.Load"/>
    public CodePriorGraphs(string folder, VaeOptions options)
    {
        int threads = options.ThreadsPerRun ?? 1;
        MaxConcurrentDraws = Math.Max(1, options.AllThreads / threads);
        try
        {
            var bottom = Open(ExportedFiles.BottomPrior);
            var of = Belonging.Read(bottom);
            (Grids, Classes, Weights) = (of.Grids, of.Classes, of.Weights);
            ClassFrequencies = ModelMetadata.ReadClassFrequencies(bottom, Classes.Length);
            OfLevels = Grids.Length == 1 ? [bottom] : [OpenBeside(ExportedFiles.TopPrior), bottom];
            if (Grids.Length > 1)
            {
                Condition = OpenBeside(ExportedFiles.BottomPriorCondition);
                Rows = OpenBeside(ExportedFiles.BottomPriorRow);
            }

            turns = new SessionTurns(bottom, () => null, MaxConcurrentDraws, "prior", () => opened.ForEach(session => session.Dispose()));

            OnnxSession OpenBeside(string file)
            {
                var session = Open(file);
                return Belonging.Read(session).IsLike(of) ? session : throw new InvalidDataException(
                    $"'{Path.Combine(folder, file)}' is of another model, or of other classes, than {ExportedFiles.BottomPrior} next to it: export both from one run.");
            }
        }
        catch
        {
            opened.ForEach(session => session.Dispose());
            throw;
        }

        OnnxSession Open(string file)
        {
            string path = Path.Combine(folder, file), kind = Path.GetFileNameWithoutExtension(file);
            if (!File.Exists(path))
            {
                throw new FileNotFoundException($"There is no '{path}': train a prior of the {(file == ExportedFiles.TopPrior ? "top" : "bottom")} level of codes.");
            }

            opened.Add(OnnxSession.Load(path, OnnxDevice.Cpu, threads));
            return opened[^1].Metadata.GetValueOrDefault(MetadataKeys.Kind) == kind ? opened[^1] : throw new InvalidDataException(
                $"'{path}' is not a {kind}: give the file that was exported from a trained prior.");
        }
    }

    /// <summary>The levels' grids, the top level first.</summary>
    public CodeGrid[] Grids { get; }

    /// <summary>The names of the classes.</summary>
    public string[] Classes { get; }

    /// <summary>The fraction of each class among the training images.</summary>
    public double[] ClassFrequencies { get; }

    /// <summary>The id of the weights that the codes belong to; null in files that do not record it.</summary>
    public string? Weights { get; }

    /// <summary>The graphs that compute the logits of a code, one per level, the top level first.</summary>
    public OnnxSession[] OfLevels { get; }

    /// <summary>Computes the bottom level's conditioning on the top level and the class; null for a model with one level.</summary>
    public OnnxSession? Condition { get; }

    /// <summary>Computes the conditioning of a row of the bottom level on the rows above; null for a model with one level.</summary>
    public OnnxSession? Rows { get; }

    /// <summary>Maximum number of concurrent draws.</summary>
    public int MaxConcurrentDraws { get; }

    /// <summary>The names of the files.</summary>
    /// <param name="levels">Levels of codes, 1 or 2.</param>
    public static IReadOnlyList<string> FilesOf(int levels) => levels == 1 ? [ExportedFiles.BottomPrior] : [ExportedFiles.TopPrior, ExportedFiles.BottomPrior, ExportedFiles.BottomPriorCondition, ExportedFiles.BottomPriorRow];

    /// <inheritdoc cref="SessionTurns.Take"/>
    public SessionTurns.Turn Take() => turns.Take();

    public void Dispose() => turns.Dispose();

    // What a file was made for.
    private sealed record Belonging(string GridText, CodeGrid[] Grids, string[] Classes, string? Weights)
    {
        public static Belonging Read(OnnxSession session)
        {
            var entries = session.Metadata;
            return entries.TryGetValue(MetadataKeys.Codes, out string? grids) && ModelMetadata.ReadClasses(session) is { } classes
                ? new Belonging(grids, [.. ModelMetadata.ParseCodeGrids(grids, session.Source)], classes, entries.GetValueOrDefault(MetadataKeys.Weights))
                : throw new InvalidDataException($"{session.Source} does not say which codes and classes it is for: give the file that was exported from a trained prior.");
        }

        public bool IsLike(Belonging other) => GridText == other.GridText && Classes.SequenceEqual(other.Classes) && ModelMetadata.AreAlike(Weights, other.Weights);
    }
}
