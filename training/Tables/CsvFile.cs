using System.Text;
using nietras.SeparatedValues;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Tables;

/// <summary>Takes a row of a text file: the fields, and the number of their line.</summary>
internal delegate void RowReader(SepReader.Row row, long line);

/// <summary>A file of separated values.</summary>
internal sealed class CsvFile : ITableFile
{
    private static readonly string[] UsualMissing = ["NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None", "?"];

    private const int LongestStart = 1 << 16; // bytes, to find a line break in

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

    /// <summary>Whether text stands for a missing value.</summary>
    /// <param name="text">A field as it is in the file, perhaps with quotes and spaces around it.</param>
    public bool IsMissing(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        return missing.Contains(options.HasQuotes && text is ['"', .. var quoted, '"'] ? quoted : text);
    }

    /// <inheritdoc/>
    public long Read(IReadOnlyList<ICells?> wanted) => ReadRows(isVerbatim: false, (row, line) =>
    {
        for (int i = 0; i < wanted.Count; i++)
        {
            if (wanted[i] is { } cells)
            {
                if (missing.Contains(row[i].Span))
                {
                    cells.AddMissing();
                }
                else
                {
                    cells.Add(row[i].Span, line);
                }
            }
        }
    });

    /// <summary>Reads the rows below the names.</summary>
    /// <param name="isVerbatim">Whether fields come with the quotes and spaces around them.</param>
    /// <param name="read">Takes a row.</param>
    /// <returns>The number of rows.</returns>
    public long ReadRows(bool isVerbatim, RowReader read)
    {
        long rows = 0;
        Malformed = 0;
        ReadAll(isVerbatim, (row, line) =>
        {
            if ((line == 1 && options.HasHeader) || (row.ColCount == 1 && Columns.Count > 1 && row.Span.Trim().IsEmpty))
            {
                return;
            }

            if (row.ColCount != Columns.Count)
            {
                Malformed++;
                if (skipsMalformed)
                {
                    return;
                }

                throw new InvalidDataException(
                    $"In {Locate(line)} there {(row.ColCount == 1 ? "is 1 field" : $"are {row.ColCount} fields")}; expected {Columns.Count}, as in the first line{(row.LineNumberToExcl - line > 1 ? "; perhaps a quote is not closed" : "")}. Mend the line, or leave malformed lines out.");
            }

            rows++;
            read(row, line);
        });
        return rows;
    }

    /// <inheritdoc/>
    public void RequireCopyable()
    {
    }

    /// <inheritdoc/>
    public void CopyFilled(Stream target, ImageRange range, IReadOnlyList<TableColumn?> columns, IReadOnlyList<FilledValue> draws, char decimalSign)
    {
        using var writer = new StreamWriter(target, encoding, leaveOpen: true) { NewLine = lineBreak };
        if (options.HasHeader)
        {
            WriteRow(draws.Count > 1 ? FilledTable.Draw : null, [.. Columns.Select(Quoted)]);
        }

        for (int draw = 0; draw < draws.Count; draw++)
        {
            long row = 0;
            ReadRows(isVerbatim: true, (fields, _) =>
            {
                if (row >= range.First && row < range.End)
                {
                    string[] texts = new string[columns.Count];
                    for (int i = 0; i < texts.Length; i++)
                    {
                        texts[i] = columns[i] is { } column && IsMissing(fields[i].Span) ? Quoted(CellText.Of(column, draws[draw](row, column), decimalSign)) : fields[i].ToString();
                    }

                    WriteRow(draws.Count > 1 ? $"{draw + 1}" : null, texts);
                }

                row++;
            });
        }

        void WriteRow(string? leading, string[] fields) => writer.WriteLine(string.Join(Delimiter, leading is null ? fields : [leading, .. fields]));
    }

    private string Quoted(string text) => CellText.Quoted(text, Delimiter, options.HasQuotes);

    private List<string> ReadNames()
    {
        List<string>? names = null;
        ReadAll(
            isVerbatim: false,
            (row, _) =>
            {
                names = [];
                for (int i = 0; i < row.ColCount; i++)
                {
                    names.Add(options.HasHeader ? row[i].ToString() : $"c{i + 1}");
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

        return names.GroupBy(name => name).FirstOrDefault(same => same.Count() > 1)?.Key is { } twice
            ? throw new InvalidDataException($"The first line of '{Path}' has the name '{twice}' twice: rename a column, or say that the file has no line of names.")
            : names;
    }

    private void ReadAll(bool isVerbatim, RowReader read, bool isFirstOnly = false)
    {
        var separator = options.Delimiter is { } given ? new Sep(given) : Path.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? new Sep('\t') : (Sep?)null;
        long line = 0;
        try
        {
            using var content = RegularFile.Open(Path);
            FindEncoding(content);
            using var text = new StreamReader(content, Strict(encoding));
            using var reader = Sep.Reader(sep => sep with
            {
                Sep = separator,
                HasHeader = false,
                DisableColCountCheck = true,
                DisableQuotesParsing = !options.HasQuotes,
                Unescape = !isVerbatim && options.HasQuotes,
                Trim = isVerbatim ? SepTrim.None : SepTrim.Outer,
            }).From(text);
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
        strict.DecoderFallback = DecoderFallback.ExceptionFallback;
        return strict;
    }
}
