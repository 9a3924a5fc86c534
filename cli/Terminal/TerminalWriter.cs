using System.Globalization;
using System.Text;

namespace OnnxVae.Cli.Terminal;

/// <summary>
/// Text for a terminal. Names of files and entries of archives may hold control characters, which would command the terminal: they are written
/// as <c>\u001b</c>, but for line ends and tabs.
/// </summary>
/// <param name="inner">Where it goes.</param>
/// <param name="mayFail">Whether text that cannot be written is dropped: nobody reads progress on a terminal that is gone, or a disk that is full.</param>
/// <param name="keepsControls">Whether control characters are kept, for progress bars.</param>
internal sealed class TerminalWriter(TextWriter inner, bool mayFail = false, bool keepsControls = false) : TextWriter(CultureInfo.InvariantCulture)
{
    public override Encoding Encoding => inner.Encoding;

    /// <summary>Shows control characters instead of keeping them, but for line ends and tabs.</summary>
    public static string Clean(string text) => Clean(text, IsControl);

    /// <summary>Shows control characters of a name, which may hold line ends too.</summary>
    public static string CleanName(string name) => Clean(name, char.IsControl);

    public override void Write(char value) => Write($"{value}");

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string? value) => Try(() => inner.Write(value is null || keepsControls ? value : Clean(value)));

    public override void WriteLine(string? value) => Write($"{value}\n");

    public override void Flush() => Try(inner.Flush);

    // What is closed refuses access.
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
