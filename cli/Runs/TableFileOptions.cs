using System.Text;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Tables;

namespace OnnxVae.Cli.Runs;

/// <summary>How tables are read. What is left out is inferred from the file.</summary>
internal sealed record TableFileOptions
{
    private const string Tab = "tab", Point = "point", Comma = "comma";

    [Option(Topic.Tables, "What columns hold, as NAME=TYPE with commas between them: number, binary, category, name (of the rows, in outputs), ignore. By their values, if left out; models know their own."), ColumnTypes]
    public string? ColumnTypes { get; init; }

    [Option(Topic.Tables, "What is between the fields of a .csv: a character, or tab. What its first line has, if left out."), Delimiter]
    public string? Delimiter { get; init; }

    [Option(Topic.Tables, "The decimal sign of a .csv. By its numbers, if left out."), Among(Point, Comma)]
    public string? Decimal { get; init; }

    [Option(Topic.Tables, "The encoding of a .csv, as in windows-1252; UTF-8 if left out."), EncodingName]
    public string? Encoding { get; init; }

    [Option(Topic.Tables, "What stands for missing values besides nothing, with commas between. NA, N/A, #N/A, NaN, null, None and ? in a .csv, if left out.")]
    public string? Missing { get; init; }

    [Option(Topic.Tables, "The first line of a .csv is a row; columns are called c1, c2, ...")]
    public bool NoHeader { get; init; }

    [Option(Topic.Tables, "Double quotes in a .csv are text.")]
    public bool NoQuotes { get; init; }

    /// <summary>The same for a model, which knows its columns: of the types, those of columns that it does not see.</summary>
    public TableFileOptions ForModel() => this with
    {
        ColumnTypes = ColumnTypesAttribute.Parse(ColumnTypes).Where(type => type.Value is ColumnType.Name or ColumnType.Ignore).Select(type => $"{type.Key}={type.Value.ToString().ToLowerInvariant()}").ToArray() is { Length: > 0 } types
            ? string.Join(',', types) : null,
    };

    /// <summary>Whether the type of a column is given.</summary>
    /// <param name="column">The column's name.</param>
    public bool States(string column) => ColumnTypesAttribute.Parse(ColumnTypes).ContainsKey(column);

    /// <summary>Rejects options of tables for other data.</summary>
    /// <param name="source">The data.</param>
    /// <exception cref="UsageException">One is given.</exception>
    public void RequireNone(string source)
    {
        if (OptionNames.Of(typeof(TableFileOptions)).FirstOrDefault(name => !Equals(ValueOf(this, name), ValueOf(new TableFileOptions(), name))) is { } given)
        {
            throw new UsageException($"{given} is for tables, but '{source}' is not a .csv, a .tsv or a .parquet: leave it out.");
        }

        static object? ValueOf(TableFileOptions options, string name) => typeof(TableFileOptions).GetProperties().First(property => OptionNames.OfProperty(property.Name) == name).GetValue(options);
    }

    /// <summary>What goes into the record of a job.</summary>
    public void Describe(JsonObject asked)
    {
        (string Name, JsonNode? Value)[] values =
        [
            ("columnTypes", ColumnTypes), ("delimiter", Delimiter), ("decimal", Decimal), ("encoding", Encoding), ("missing", Missing), ("noHeader", NoHeader ? true : null), ("noQuotes", NoQuotes ? true : null),
        ];
        foreach (var (name, value) in values)
        {
            if (value is not null)
            {
                asked[name] = value;
            }
        }
    }

    /// <summary>The same as text for a command line.</summary>
    public string ToArguments()
    {
        var given = new JsonObject();
        Describe(given);
        return string.Concat(given.Select(option => $" {OptionNames.OfProperty(option.Key)}{(option.Value!.GetValueKind() == System.Text.Json.JsonValueKind.String ? $" {NextCommand.Quoted((string)option.Value!)}" : "")}"));
    }

    /// <summary>How the library reads tables.</summary>
    /// <param name="table">The columns of a model; null for those of the file.</param>
    public TableOptions ToTableOptions(TableSpec? table) => new()
    {
        Table = table,
        Types = ColumnTypesAttribute.Parse(ColumnTypes),
        Delimiter = Delimiter is null ? null : DelimiterAttribute.Parse(Delimiter),
        DecimalSign = Decimal switch { Point => '.', Comma => ',', _ => null },
        Encoding = Encoding is null ? null : EncodingNameAttribute.Find(Encoding),
        Missing = Missing?.Split(',', StringSplitOptions.TrimEntries),
        HasHeader = !NoHeader,
        HasQuotes = !NoQuotes,
    };

    /// <summary>Types of columns: NAME=TYPE, with commas between them.</summary>
    private sealed class ColumnTypesAttribute : RuleAttribute
    {
        private static readonly string Expected = $"expected NAME=TYPE with commas between them, as in id=name,zip=category, and types among {string.Join(", ", Enum.GetNames<ColumnType>().Select(name => name.ToLowerInvariant()))}";

        public override string? FaultOf(string option, object value) => TryParse((string)value) is null ? $"{option} is '{value}'; {Expected}." : null;

        public static Dictionary<string, ColumnType> Parse(string? text) => text is null ? [] : TryParse(text)!;

        private static Dictionary<string, ColumnType>? TryParse(string text)
        {
            var types = new Dictionary<string, ColumnType>();
            string before = ""; // of a name with a comma in it
            foreach (string piece in text.Split(','))
            {
                if (!piece.Contains('=', StringComparison.Ordinal))
                {
                    before += $"{piece},";
                    continue;
                }

                string part = before + piece;
                before = "";
                int at = part.LastIndexOf('=');
                bool isType = at > 0 && !char.IsAsciiDigit(part[^1]) && Enum.TryParse<ColumnType>(part[(at + 1)..], ignoreCase: true, out var type) && types.TryAdd(part[..at].Trim(), type);
                if (!isType)
                {
                    return null;
                }
            }

            return before.Length > 0 || types.Values.Count(type => type == ColumnType.Name) > 1 ? null : types;
        }
    }

    /// <summary>A character between fields.</summary>
    private sealed class DelimiterAttribute : RuleAttribute
    {
        public override string? FaultOf(string option, object value) => (string)value == Tab || ((string)value is [not ('"' or '\n' or '\r') and <= (char)126]) ? null
            : $"{option} is '{value}'; expected one character such as ';', or {Tab}.";

        public static char Parse(string text) => text == Tab ? '\t' : text[0];
    }

    /// <summary>The name of an encoding.</summary>
    private sealed class EncodingNameAttribute : RuleAttribute
    {
        static EncodingNameAttribute() => System.Text.Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

        public override string? FaultOf(string option, object value)
        {
            try
            {
                Find((string)value);
                return null;
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                return $"{option} is '{value}'; expected the name of an encoding, as in utf-8, utf-16, latin1 or windows-1252.";
            }
        }

        public static Encoding Find(string name) => name.Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) : System.Text.Encoding.GetEncoding(name);
    }
}
