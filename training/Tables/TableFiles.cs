using OnnxVae.Format;
using OnnxVae.Training.Data;

namespace OnnxVae.Training.Tables;

/// <summary>The files of a table, with the same columns in any order.</summary>
internal sealed class TableFiles
{
    private readonly ITableFile[] files;
    private readonly TableOptions options;
    private readonly Action<long, long>? progress;
    private int read; // of two passes through each

    /// <param name="paths">The files.</param>
    /// <param name="options">How they are read.</param>
    /// <param name="skipsMalformed">Whether malformed lines are skipped.</param>
    /// <param name="progress">Told how many passes through files are done, and how many there are.</param>
    public TableFiles(IReadOnlyList<string> paths, TableOptions options, bool skipsMalformed, Action<long, long>? progress)
    {
        (this.options, this.progress) = (options, progress);
        files = [.. paths.Select(path => Open(path, options, skipsMalformed))];
    }

    /// <summary>Opens a file by its ending.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="skipsMalformed">Whether malformed lines are skipped.</param>
    public static ITableFile Open(string path, TableOptions options, bool skipsMalformed = false) =>
        path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) ? new ParquetFile(path, options) : new CsvFile(path, options, skipsMalformed);

    /// <summary>Reads all rows.</summary>
    /// <param name="passedOver">Counts columns and lines that are not part of the data.</param>
    /// <returns>The rows of each file, and the split that it is named like.</returns>
    public IReadOnlyList<(SplitKind? Split, TableRows Rows)> Read(PassedOver passedOver)
    {
        string[] names = WantedColumns(passedOver);
        var profiles = names.ToDictionary(name => name, name => new ColumnProfile(name));
        long rows = 0;
        foreach (var file in files)
        {
            rows += Profile(file, profiles);
            progress?.Invoke(++read, 2 * files.Length);
        }

        if (rows < (options.Table is null ? 2 : 1))
        {
            throw new InvalidDataException($"'{files[0].Path}' has {(rows == 0 ? "no rows" : "1 row")}; expected {(options.Table is null ? "2 or more to learn from" : "1 or more")}.");
        }

        char decimalSign = DecimalSignOf(profiles);
        var table = options.Table ?? TableSpec.Of([.. names.Select(name => profiles[name].ToSpec(StatedType(name), decimalSign))]);
        return [.. files.Select(file => (SplitNames.In(Path.GetFileNameWithoutExtension(file.Path)), ReadRows(file, table, decimalSign, passedOver)))];
    }

    /// <summary>The decimal sign of the numbers of all files.</summary>
    public char DecimalSignOfAll()
    {
        var profiles = options.Table!.Columns.ToDictionary(column => column.Name, column => new ColumnProfile(column.Name));
        foreach (var file in files)
        {
            Profile(file, profiles);
        }

        return DecimalSignOf(profiles);
    }

    private static long Profile(ITableFile file, Dictionary<string, ColumnProfile> profiles)
    {
        foreach (var profile in profiles.Values)
        {
            profile.Begin(file);
        }

        long rows = file.Read([.. file.Columns.Select(name => profiles.GetValueOrDefault(name))]);
        foreach (var profile in profiles.Values)
        {
            profile.End();
        }

        return rows;
    }

    private char DecimalSignOf(Dictionary<string, ColumnProfile> profiles)
    {
        if (options.DecimalSign is { } stated)
        {
            return stated;
        }

        var numbers = profiles.Where(profile => options.Table is null || options.Table.Columns.Any(column => column.Name == profile.Key && column.Kind == ColumnKind.Number)).ToArray();
        string? point = Array.Find(numbers, profile => profile.Value.NeedsPoint).Key, comma = Array.Find(numbers, profile => profile.Value.NeedsComma).Key;
        if (point is not null && comma is not null)
        {
            throw new InvalidDataException(point == comma ? $"The numbers of column '{point}' have decimal points in one file and commas in another: convert a file, or say which is the decimal sign."
                : $"The numbers of column '{point}' have decimal points, those of column '{comma}' commas: say which is the decimal sign.");
        }

        // Semicolons are between fields where commas are decimal signs.
        if (Array.Find(numbers, profile => profile.Value.MayHaveThousands).Value is { } thousands && !files.OfType<CsvFile>().Any(file => file.Delimiter == ';'))
        {
            throw new InvalidDataException($"{thousands.Example}, whose comma may separate decimals or thousands: say which is the decimal sign, and write thousands without a sign.");
        }

        return comma is null ? '.' : ',';
    }

    private ColumnType? StatedType(string name) => options.Types.TryGetValue(name, out var type) ? type : null;

    // The columns that hold values, in the order of the first file.
    private string[] WantedColumns(PassedOver passedOver)
    {
        var all = files.SelectMany(file => file.Columns).ToHashSet();
        if (options.Types.Keys.FirstOrDefault(name => !all.Contains(name)) is { } unknown)
        {
            throw new InvalidDataException($"'{files[0].Path}' has no column '{unknown}', of which a type is given; it has {string.Join(", ", files[0].Columns)}.");
        }

        var inAll = files.Select(file => file.Columns).Aggregate((common, others) => [.. common.Intersect(others)]);
        string[] wanted = [.. options.Table?.Columns.Select(column => column.Name) ?? inAll.Where(name => StatedType(name) is not (ColumnType.Name or ColumnType.Ignore))];
        if (wanted.Length == 0)
        {
            throw new InvalidDataException($"'{files[0].Path}' has no columns left to learn from: ignore fewer.");
        }

        if (options.Table is not null && options.Types.FirstOrDefault(stated => stated.Value is not (ColumnType.Name or ColumnType.Ignore) || wanted.Contains(stated.Key)) is { Key: { } fixedName })
        {
            throw new InvalidDataException($"The type of column '{fixedName}' is given, but the model {(wanted.Contains(fixedName) ? "takes it as it was trained" : "does not take it")}: leave it out.");
        }

        foreach (var file in files)
        {
            if (wanted.Except(file.Columns).ToArray() is { Length: > 0 } lacking)
            {
                throw new InvalidDataException($"'{file.Path}' has no {(lacking.Length == 1 ? "column" : "columns")} {string.Join(", ", lacking.Select(name => $"'{name}'"))}, which the model takes; it has {string.Join(", ", file.Columns)}.");
            }
        }

        foreach (string name in all.Except(wanted).Where(name => StatedType(name) is null))
        {
            passedOver.Add("column", options.Table is null ? "not in all files" : "not of the model");
        }

        return wanted;
    }

    private TableRows ReadRows(ITableFile file, TableSpec table, char decimalSign, PassedOver passedOver)
    {
        var cells = table.Columns.ToDictionary(column => column.Name, column => new CellValues(column, decimalSign, file, isOfModel: options.Table is not null));
        var names = file.Columns.FirstOrDefault(name => StatedType(name) == ColumnType.Name) is { } column ? new RowNames(column) : null;
        file.Read([.. file.Columns.Select(name => cells.TryGetValue(name, out var values) ? (ICells)values : name == names?.Column ? names : null)]);
        progress?.Invoke(++read, 2 * files.Length);
        passedOver.Add("line", "another number of fields than the first line", (file as CsvFile)?.Malformed ?? 0);

        return new TableRows(table, [.. table.Columns.Select(each => cells[each.Name].Values)], names?.Names);
    }

    // The texts of a column.
    private sealed class RowNames(string column) : ICells
    {
        private readonly List<string> names = [];

        public string Column { get; } = column;

        public IReadOnlyList<string> Names => names;

        public void Add(ReadOnlySpan<char> text, long place) => names.Add(text.ToString());

        public void Add(double number, long place) => names.Add(number.ToString("R", CellText.FormatOf('.')));

        public void AddMissing() => names.Add("");
    }
}
