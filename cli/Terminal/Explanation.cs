using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace OnnxVae.Cli.Terminal;

/// <summary>Turns exceptions into messages for the user.</summary>
internal static partial class Explanation
{
    /// <summary>The message, in one line.</summary>
    public static string Of(Exception e) => e switch
    {
        TypeInitializationException or AggregateException when e.InnerException is { } cause => Of(cause),
        DllNotFoundException when Remedies.Apply(e.Message) is var remedy && remedy != e.Message => OneLine(remedy),
        DllNotFoundException => $"{OneLine(e.Message)} 'onnxvae doctor' says what is missing.",
        ExternalException => $"libtorch: {OneLine(e.Message.Split('\n')[0])} Are the model's sizes too large for the memory?",
        InsufficientMemoryException => Remedies.Apply(OneLine(e.Message)),
        OutOfMemoryException => "There is not enough memory: give smaller sizes, a smaller --batch, or fewer --threads.",
        NullReferenceException or KeyNotFoundException or IndexOutOfRangeException or InvalidCastException =>
            $"This is a bug in onnxvae: {OneLine(e.Message)} Give --verbose to see where it comes from, and report it.",
        DirectoryNotFoundException when PartOfThePath().Match(e.Message) is { Success: true } match => $"'{OneLine(match.Groups["path"].Value)}' cannot be used: a folder on the way to it is missing, or is a file.",
        IOException when FileInTheWay().Match(e.Message) is { Success: true } match => $"'{OneLine(match.Groups["path"].Value)}' is a file, where a folder is needed.",
        ArgumentException { ParamName: { } parameter } => Remedies.Apply(OneLine(e.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal))),
        _ => Remedies.Apply(OneLine(e.Message)),
    };

    [GeneratedRegex("^Could not find a part of the path '(?<path>.*)'\\.$", RegexOptions.Singleline)]
    private static partial Regex PartOfThePath();

    [GeneratedRegex("^The file '(?<path>.*)' already exists\\.$", RegexOptions.Singleline)]
    private static partial Regex FileInTheWay();

    /// <summary>Text in one line, without control characters.</summary>
    public static string OneLine(string text) => TerminalWriter.CleanName(string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));
}
