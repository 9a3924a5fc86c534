using System.Runtime.InteropServices;
using System.Text;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Scores of images, with the images' names: a .npy of one score and a text file next to it, or a table of all scores. Skipped images have no row.</summary>
internal sealed class ScoreOutput : IDisposable
{
    private readonly ArrayFile file;
    private readonly ImageSource source;
    private readonly CorruptImages corrupt;
    private readonly string extension;
    private readonly ScoreKind chosen;
    private readonly IReadOnlyList<ScoreKind> kinds;
    private readonly float? threshold;
    private long rows, outliers; // of this run

    /// <param name="paths">Where to write.</param>
    /// <param name="scorer">The scorer.</param>
    /// <param name="source">The images.</param>
    /// <param name="range">The numbers of this shard's images.</param>
    /// <param name="chosen">The score of a .npy, and that of the threshold.</param>
    /// <param name="threshold">The largest score that is not an outlier's; null to mark none.</param>
    /// <param name="corrupt">The skipped images.</param>
    public ScoreOutput(JobPaths paths, VaeScorer scorer, ImageSource source, ImageRange range, ScoreKind chosen, float? threshold, CorruptImages corrupt)
    {
        (this.source, this.corrupt, this.chosen, this.threshold, extension) = (source, corrupt, chosen, threshold, paths.Extension);
        kinds = extension == JobPaths.NpyExtension ? [chosen] : scorer.Kinds;
        file = new ArrayFile(paths.Array, "<f4", extension == JobPaths.NpyExtension ? [] : [kinds.Count], range, hasNames: true, corrupt: corrupt);
    }

    /// <summary>The images whose scores have not been written yet.</summary>
    public IReadOnlyList<ImageRange> Missing => file.Missing;

    /// <summary>The images that were scored now, and how many of them are outliers.</summary>
    public (long Images, long Outliers) Scored => (rows, outliers);

    /// <summary>Does the work that can be done out of order; called from several threads.</summary>
    /// <param name="first">The number of the first image.</param>
    /// <param name="scores">The scores.</param>
    /// <returns>The work that remains to be done in order.</returns>
    public JobStep Prepare(long first, ExampleScores scores)
    {
        var values = new List<float>();
        var names = new StringBuilder();
        long found = 0;
        for (int i = 0; i < scores.Count; i++)
        {
            if (corrupt.Contains(first + i))
            {
                continue;
            }

            foreach (var kind in kinds)
            {
                values.Add(scores[kind][i]);
            }

            found += scores[chosen][i] > threshold ? 1 : 0;
            names.Append(ArrayFile.OneLine(source.NameOf(first + i))).Append('\n');
        }

        byte[] lines = Encoding.UTF8.GetBytes(names.ToString());
        return new JobStep(scores.Count, () =>
        {
            (rows, outliers) = (rows + (values.Count / kinds.Count), outliers + found);
            file.Append(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values)), lines, first + scores.Count);
        });
    }

    /// <summary>Renames everything to its final name.</summary>
    public void Finish()
    {
        if (file.IsFinished)
        {
            return;
        }

        if (extension == JobPaths.NpyExtension)
        {
            file.Finish();
            return;
        }

        var table = new ScoreTable([.. kinds.Select(ScoreKinds.Name)], threshold is { } largest ? (kinds.Index().First(kind => kind.Item == chosen).Index, largest) : null);
        file.FinishAs(extension == JobPaths.CsvExtension ? table.WriteCsv : (array, names, target) => table.WriteParquetAsync(array, names, target).GetAwaiter().GetResult());
    }

    public void Dispose() => file.Dispose();
}
