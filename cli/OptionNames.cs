using System.CommandLine;
using System.Text.Json;

namespace OnnxVae.Cli;

/// <summary>What options are called on the command line, and in the files that keep them.</summary>
internal static class OptionNames
{
    /// <summary>What an option of the command line is called in a file.</summary>
    public static string InFile(Option option) =>
        JsonNamingPolicy.CamelCase.ConvertName(string.Concat(option.Name.Split('-').Where(word => word.Length > 0).Select(word => char.ToUpperInvariant(word[0]) + word[1..])));

    /// <summary>What an option of a file is called on the command line.</summary>
    public static string OnCommandLine(string name) => $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(name)}";
}
