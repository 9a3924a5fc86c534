using System.Globalization;
using System.Net;
using System.Text;
using OnnxVae.Format;

namespace OnnxVae.Training.Reports;

/// <summary>A page of a report. It needs no other file and no network, follows the reader's choice of light or dark, and can be printed.</summary>
/// <param name="title">The page's title and first heading.</param>
internal sealed class ReportPage(string title)
{
    private const string Style = """
        :root { color-scheme: light dark; --text: #222; --quiet: #5f6670; --line: #d9dce1; --page: #fff; }
        @media (prefers-color-scheme: dark) { :root { --text: #e4e6ea; --quiet: #9aa2ad; --line: #3a3f47; --page: #16181c; } }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: var(--text); background: var(--page); }
        h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
        .summary { font-size: 1.05rem; margin-top: 0; } figcaption, .quiet { color: var(--quiet); } a { color: inherit; }
        table { border-collapse: collapse; display: block; overflow-x: auto; } td, th { padding: .3rem 1.2rem .3rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
        td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
        figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; break-inside: avoid; } img, svg { max-width: 100%; height: auto; }
        svg text { font-family: system-ui, sans-serif; }
        img { image-rendering: pixelated; } .course img { width: 10.5rem; image-rendering: auto; } summary { cursor: pointer; font-size: 1.2rem; font-weight: 600; margin-top: 2.2rem; }
        @media print { body { max-width: none; margin: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
        """;

    private const int LongestNumber = 20;

    private readonly StringBuilder body = new();

    /// <summary>Adds a heading.</summary>
    public void Heading(string text) => body.Append(CultureInfo.InvariantCulture, $"<h2>{Escape(text)}</h2>\n");

    /// <summary>Adds a smaller heading.</summary>
    public void Subheading(string text) => body.Append(CultureInfo.InvariantCulture, $"<h3>{Escape(text)}</h3>\n");

    /// <summary>Adds the page's first sentence.</summary>
    public void Summary(string text) => body.Append(CultureInfo.InvariantCulture, $"<p class=\"summary\">{Escape(text)}</p>\n");

    /// <summary>Adds a sentence.</summary>
    public void Sentence(string text) => body.Append(CultureInfo.InvariantCulture, $"<p>{Escape(text)}</p>\n");

    /// <summary>Adds a table; without rows, nothing.</summary>
    /// <param name="head">The columns' headings; none if left out.</param>
    /// <param name="rows">The rows' cells; the second one is a number.</param>
    public void Table(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows)
    {
        string content = string.Concat(rows.Select(row => $"<tr>{string.Concat(row.Select((cell, i) => $"<td{(i == 1 && cell.Length <= LongestNumber ? " class=\"number\"" : "")}>{Escape(cell)}</td>"))}</tr>\n"));
        if (content.Length > 0)
        {
            string heading = head.Count == 0 ? "" : $"<tr>{string.Concat(head.Select(cell => $"<th>{Escape(cell)}</th>"))}</tr>\n";
            body.Append(CultureInfo.InvariantCulture, $"<table>\n{heading}{content}</table>\n");
        }
    }

    /// <summary>Adds a drawing.</summary>
    /// <param name="svg">The drawing as SVG.</param>
    /// <param name="caption">The text below it.</param>
    public void Drawing(string svg, string caption) => Figure(svg[svg.IndexOf("<svg", StringComparison.Ordinal)..], Escape(caption));

    /// <summary>Adds a picture.</summary>
    /// <param name="file">A PNG file.</param>
    /// <param name="caption">The text below it.</param>
    /// <param name="link">Where a click on the text leads; null for nowhere.</param>
    public void Picture(string file, string caption, string? link = null)
    {
        string text = Escape(caption);
        Figure($"<img alt=\"{text}\" src=\"data:image/png;base64,{Convert.ToBase64String(RegularFile.Read(file))}\">", link is null ? text : $"<a href=\"{Escape(link)}\">{text}</a>");
    }

    /// <summary>Adds what <paramref name="content"/> adds, smaller and side by side.</summary>
    public void Course(Action content) => Within("<div class=\"course\">\n", content, "</div>\n");

    /// <summary>Adds what <paramref name="content"/> adds, folded away.</summary>
    public void Folded(string summary, Action content) => Within($"<details><summary>{Escape(summary)}</summary>\n", content, "</details>\n");

    /// <summary>Writes the page.</summary>
    /// <param name="file">The page's file.</param>
    public void Save(string file) => AtomicFile.WriteText(
        file,
        $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{Escape(title)}</title><style>\n{Style}\n</style></head><body>\n<h1>{Escape(title)}</h1>\n{body}</body></html>\n");

    private void Within(string before, Action content, string after)
    {
        body.Append(before);
        content();
        body.Append(after);
    }

    private void Figure(string content, string caption) => body.Append(CultureInfo.InvariantCulture, $"<figure>{content}<figcaption>{caption}</figcaption></figure>\n");

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
