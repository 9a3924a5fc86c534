using System.Text;
using nietras.SeparatedValues;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Tables;

/// <summary>A file of separated values.</summary>
internal sealed class CsvFile : ITableFile
{
    private const int LongestStart = 1 << 16; // bytes, to find a line break in
    private const int MostShown = 30; // characters in a message

    private static readonly string[] UsualMissing = ["NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "?"];

    private readonly TableOptions options;
    private readonly bool skipsMalformed;
    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> missing;
    private Encoding encoding; // of the file, with its mark if it has one
    private string lineBreak = "\n";

    /// <param name="path">The file.</param>
    /// <param name="options">How it is read.</param>
    /// <param name="skipsMalformed">Whether lines with another number of fields than the first one are skipped.</param>
    /// <exception cref="InvalidDataException">It is empty, or its first line does not name columns.</exception>
    public CsvFile(string path, TableOptions options, bool skipsMalformed = false)
    {
        (Path, this.options, this.skipsMalformed, encoding) = (path, options, skipsMalformed, options.Encoding ?? Encoding.UTF8);
        missing = new HashSet<string>([.. options.Missing ?? UsualMissing, ""]).GetAlternateLookup<ReadOnlySpan<char>>();
        Columns = ReadNames();
    }

    /// <summary>Takes a row: its fields with the quotes and spaces around them, and the number of its line.</summary>
    private delegate void RowReader(SepReader.Row row, long line);

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Lines that were skipped when it was last read.</summary>
    public long Malformed { get; private set; }

    /// <summary>What is between the fields of a line.</summary>
    public char Delimiter { get; private set; }

    /// <inheritdoc/>
    public string Locate(long place) => $"line {place} of '{Path}'";

    /// <inheritdoc/>
    public long Read(IReadOnlyList<ICells?> wanted) => ReadRows((row, line) =>
    {
        for (int i = 0; i < wanted.Count; i++)
        {
            if (wanted[i] is not { } cells)
            {
                continue;
            }

            var text = TextOf(row[i].Span, line);
            if (missing.Contains(text))
            {
                cells.AddMissing();
            }
            else
            {
                cells.Add(text, line);
            }
        }
    });

    /// <inheritdoc/>
    public void RequireCopyable()
    {
    }

    /// <inheritdoc/>
    public void CopyFilled(Stream target, ImageRange range, IReadOnlyList<TableColumn?> columns, IReadOnlyList<FilledValue> draws, char decimalSign)
    {
        try
        {
            using var writer = new StreamWriter(target, Strict(encoding), leaveOpen: true) { NewLine = lineBreak };
            if (options.HasHeader)
            {
                ReadAll((row, _) => WriteRow(writer, draws.Count > 1 ? FilledTable.Draw : null, Fields(row)), isFirstOnly: true);
            }

            for (int draw = 0; draw < draws.Count; draw++)
            {
                long number = 0;
                ReadRows((row, line) =>
                {
                    if (number >= range.First && number < range.End)
                    {
                        string[] fields = Fields(row);
                        for (int i = 0; i < fields.Length; i++)
                        {
                            fields[i] = columns[i] is { } column && missing.Contains(TextOf(fields[i], line)) ? Filling(column, draws[draw](number, column), decimalSign) : fields[i];
                        }

                        WriteRow(writer, draws.Count > 1 ? $"{draw + 1}" : null, fields);
                    }

                    number++;
                });
            }
        }
        catch (EncoderFallbackException e)
        {
            throw new InvalidDataException($"A category has '{e.CharUnknown}', which {encoding.WebName}, the encoding of '{Path}', has not: convert the file to UTF-8.", e);
        }
    }

    private void WriteRow(StreamWriter writer, string? leading, string[] fields) => writer.WriteLine(string.Join(Delimiter, leading is null ? fields : [leading, .. fields]));

    private static string[] Fields(SepReader.Row row)
    {
        string[] fields = new string[row.ColCount];
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i] = row[i].Span.ToString();
        }

        return fields;
    }

    private string Filling(TableColumn column, float cell, char decimalSign)
    {
        string text = CellText.Of(column, cell, decimalSign);
        return options.HasQuotes ? CellText.Quoted(text, Delimiter) : !CellText.NeedsQuotes(text, Delimiter) ? text : throw new InvalidDataException(
            $"The category '{text}' of column '{column.Name}' cannot be written into a file like '{Path}', which has '{Delimiter}' between fields and no quotes around them: convert the file to one with quotes.");
    }

    private long ReadRows(RowReader read)
    {
        long rows = 0;
        Malformed = 0;
        ReadAll((row, line) =>
        {
            if ((line == 1 && options.HasHeader) || row.Span.Trim().IsEmpty)
            {
                return;
            }

            RequireQuotes(row, line);
            if (row.ColCount != Columns.Count)
            {
                Malformed++;
                if (skipsMalformed)
                {
                    return;
                }

                throw new InvalidDataException(
                    $"In {Locate(line)} there {(row.ColCount == 1 ? "is 1 field" : $"are {row.ColCount} fields")}; expected {Columns.Count}, as in the first line. Mend the line, or leave malformed lines out.");
            }

            rows++;
            read(row, line);
        });
        return rows;
    }

    private List<string> ReadNames()
    {
        List<string>? names = null;
        ReadAll(
            (row, line) =>
            {
                names = [];
                for (int i = 0; i < row.ColCount; i++)
                {
                    names.Add(options.HasHeader ? TextOf(row[i].Span, line).ToString() : $"c{i + 1}");
                }
            },
            isFirstOnly: true);
        if (names is null)
        {
            throw new InvalidDataException($"'{Path}' is empty; expected a line with the names of columns, and rows below it.");
        }

        if (options.HasHeader && names.FindIndex(name => name.Length == 0) is var nameless and >= 0)
        {
            throw new InvalidDataException($"The first line of '{Path}' has no name for column {nameless + 1}: add one, or say that the file has no line of names.");
        }

        if (options.HasHeader && names.TrueForAll(name => CellText.TryParse(name, '.', out _) || CellText.TryParse(name, ',', out _)))
        {
            throw new InvalidDataException($"The first line of '{Path}' has numbers, such as '{names[0]}'; expected the names of columns: add a line of them, or say that the file has no line of names.");
        }

        return names.GroupBy(name => name).FirstOrDefault(same => same.Count() > 1)?.Key is { } twice
            ? throw new InvalidDataException($"The first line of '{Path}' has the name '{twice}' twice: rename a column, or say that the file has no line of names.")
            : names;
    }

    // A quote that does not enclose a field would join lines, also in columns that are not read.
    private void RequireQuotes(SepReader.Row row, long line)
    {
        if (!options.HasQuotes || !row.Span.Contains('"'))
        {
            return;
        }

        for (int i = 0; i < row.ColCount; i++)
        {
            TextOf(row[i].Span, line);
        }
    }

    // A field without the quotes and spaces around it. Quotes enclose whole fields, and within one they are doubled.
    private ReadOnlySpan<char> TextOf(ReadOnlySpan<char> field, long line)
    {
        var text = field.Trim();
        if (!options.HasQuotes || !text.Contains('"'))
        {
            return text;
        }

        string unquoted = text is ['"', .. var inner, '"'] ? inner.ToString().Replace("\"\"", "\0", StringComparison.Ordinal) : "\"";
        if (!unquoted.Contains('"', StringComparison.Ordinal))
        {
            return unquoted.Replace('\0', '"');
        }

        int end = text.IndexOfAny('\r', '\n') is var lineEnd and >= 0 ? lineEnd : text.Length;
        throw new InvalidDataException(
            $"In {Locate(line)}, the field that begins with '{text[..Math.Min(end, MostShown)]}' has a quote inside, or none at its end; quotes enclose whole fields, and are doubled in them. Mend the line, or say that quotes are text.");
    }

    private void ReadAll(RowReader read, bool isFirstOnly = false)
    {
        var separator = options.Delimiter is { } given ? new Sep(given) : Path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? new Sep('\t') : (Sep?)null;
        long line = 0;
        try
        {
            using var content = RegularFile.Open(Path);
            FindEncoding(content);
            using var text = new StreamReader(content, Strict(encoding));
            using var reader = Sep.Reader(sep => sep with { Sep = separator, HasHeader = false, DisableColCountCheck = true, DisableQuotesParsing = !options.HasQuotes }).From(text);
            Delimiter = reader.Spec.Sep.Separator;
            foreach (var row in reader)
            {
                read(row, line == 0 ? 1 : row.LineNumberFrom);
                line = row.LineNumberToExcl;
                if (isFirstOnly)
                {
                    break;
                }
            }
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException($"'{Path}' is not {encoding.WebName} text somewhere after line {Math.Max(0, line - 1)}: give its encoding, such as windows-1252.", e);
        }
    }

    // By its mark, and its line break by the first one.
    private void FindEncoding(Stream content)
    {
        byte[] start = new byte[LongestStart];
        int count = content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        content.Position = 0;
        Encoding[] marked = [new UTF8Encoding(encoderShouldEmitUTF8Identifier: true), Encoding.UTF32, Encoding.Unicode, Encoding.BigEndianUnicode];
        encoding = Array.Find(marked, each => start.AsSpan(0, count).StartsWith(each.Preamble)) ?? options.Encoding ?? new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        string text = encoding.GetString(start, 0, count);
        lineBreak = text.IndexOf('\n', StringComparison.Ordinal) is var at and > 0 && text[at - 1] == '\r' ? "\r\n" : "\n";
    }

    private static Encoding Strict(Encoding encoding)
    {
        var strict = (Encoding)encoding.Clone();
        (strict.EncoderFallback, strict.DecoderFallback) = (EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        return strict;
    }
}
