using System.Globalization;
using System.Text;

namespace OnnxVae.Cli;

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

    /// <summary>Shows control characters instead of keeping them.</summary>
    public static string Clean(string text) => text.Any(IsControl)
        ? string.Concat(text.Select(character => IsControl(character) ? $"\\u{(int)character:x4}" : $"{character}"))
        : text;

    public override void Write(char value) => Write($"{value}");

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(string? value)
    {
        try
        {
            inner.Write(value is null || keepsControls ? value : Clean(value));
        }
        catch (IOException) when (mayFail)
        {
            // As it was said.
        }
    }

    public override void WriteLine(string? value) => Write($"{value}\n");

    public override void Flush()
    {
        try
        {
            inner.Flush();
        }
        catch (IOException) when (mayFail)
        {
            // As it was said.
        }
    }

    private static bool IsControl(char character) => char.IsControl(character) && character is not ('\n' or '\r' or '\t');
}
