using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Training.Tables;

/// <summary>
/// Tables in <c>.csv</c>, <c>.tsv</c> and <c>.parquet</c> files, as training data: each row is a vector of standardized numbers and one-hot categories, with NaN for missing values. The files of
/// a folder are read one after the other; those named like splits, such as <c>train.csv</c>, are the splits.
/// </summary>
public static class TableData
{
    private static readonly string[] Extensions = [".csv", ".tsv", ".parquet"];

    /// <summary>Whether a path is a table, or a folder of tables and nothing else but hidden files.</summary>
    /// <param name="path">The path.</param>
    public static bool IsOne(string path) => Directory.Exists(path) ? FilesIn(path) is { Length: > 0 } files && Array.TrueForAll(files, IsNamedLikeOne) : IsNamedLikeOne(path) && File.Exists(path);

    /// <summary>Reads a table into memory.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">How data are read: malformed lines are skipped if it says so.</param>
    /// <param name="reading">How tables are read; null to tell by the files.</param>
    /// <exception cref="InvalidDataException">A file is damaged or lacks a column, a value does not fit its column, or nothing can be learned of a column; or options are for images.</exception>
    public static ImageData Open(string path, ImageOptions options, TableOptions? reading = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options is not { Size: null, Channels: null, Layout: null, BinarizationSeed: null })
        {
            throw new InvalidDataException($"'{path}' is a table, which is not scaled to a size, converted to other channels, laid out or binarized: leave that out.");
        }

        var tables = new TableFiles([.. Directory.Exists(path) ? FilesIn(path) : [path]], reading ?? new TableOptions(), options.SkipCorrupt, options.Progress);
        var passedOver = new PassedOver();
        var parts = tables.Read(passedOver);
        SplitKind[] splits = [.. parts.Select(part => part.Split ?? SplitKind.Train).Distinct()];
        if (splits is [not SplitKind.Train and var lone])
        {
            passedOver.AddLoneSplit(lone);
        }

        var data = splits.Length == 1 ? ImageData.HoldOut(Joined([.. parts.Select(part => part.Rows)])!) : ImageData.FromSplits(Part(SplitKind.Train), Part(SplitKind.Validation), Part(SplitKind.Test));
        return data with { PassedOver = passedOver.Phrases };

        ImageSource? Part(SplitKind split) => Joined([.. parts.Where(part => (part.Split ?? SplitKind.Train) == split).Select(part => part.Rows)]);

        static ImageSource? Joined(TableRows[] rows) => rows.Length == 0 ? null : rows.Length == 1 ? rows[0] : SelectedImages.Joined(rows);
    }

    /// <summary>The columns that an exported file takes, as a table is read with.</summary>
    /// <param name="columns">The columns, from its metadata.</param>
    public static TableSpec SpecOf(IReadOnlyList<TableColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        return TableSpec.Of([.. columns.Select(column => new ColumnSpec(column.Name, (ColumnKind)column.Kind, column.Categories) { Decimals = column.Decimals })]);
    }

    private static bool IsNamedLikeOne(string path) => Array.Exists(Extensions, extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    private static string[] FilesIn(string folder) => [.. Directory.EnumerateFiles(
        folder, "*", new EnumerationOptions { AttributesToSkip = FileAttributes.Hidden | FileAttributes.System }).Order(StringComparer.Ordinal)];
}
