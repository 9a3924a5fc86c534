using System.Globalization;
using System.Text;

namespace OnnxVae.Cli.Terminal;

/// <summary>
/// Text for a terminal. Names of files and archive entries may contain control characters, which the terminal would execute: they are written
/// as <c>\u001b</c>, except for line breaks and tabs.
/// </summary>
/// <param name="inner">The underlying writer.</param>
/// <param name="mayFail">Whether text that cannot be written is dropped: progress is of no use on a closed terminal or a full disk.</param>
/// <param name="keepsControls">Whether control characters are kept, for progress bars.</param>
internal sealed class TerminalWriter(TextWriter inner, bool mayFail = false, bool keepsControls = false) : TextWriter(CultureInfo.InvariantCulture)
{
    public override Encoding Encoding => inner.Encoding;

    /// <summary>Escapes control characters, except for line breaks and tabs.</summary>
    public static string Clean(string text) => Clean(text, IsControl);

    /// <summary>Escapes control characters in a name, including line breaks.</summary>
    public static string CleanName(string name) => Clean(name, char.IsControl);

    public override void Write(char value) => Write($"{value}");

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string? value) => Try(() => inner.Write(value is null || keepsControls ? value : Clean(value)));

    public override void WriteLine(string? value) => Write($"{value}\n");

    public override void Flush() => Try(inner.Flush);

    // A closed stream may throw UnauthorizedAccessException.
    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!mayFail)
            {
                throw new IOException($"Standard output cannot be written to: {e.Message}", e);
            }
        }
    }

    private static string Clean(string text, Func<char, bool> isShown) => text.Any(isShown)
        ? string.Concat(text.Select(character => isShown(character) ? $"\\u{(int)character:x4}" : $"{character}"))
        : text;

    private static bool IsControl(char character) => char.IsControl(character) && character is not ('\n' or '\r' or '\t');
}
