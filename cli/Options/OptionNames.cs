using System.Reflection;
using System.Text.Json;

namespace OnnxVae.Cli.Options;

/// <summary>The names of options: <c>LearningRate</c> in records, <c>learningRate</c> in files, <c>--learning-rate</c> on the command line.</summary>
internal static class OptionNames
{
    /// <summary>The command-line name of a record's property, or of an entry in a file.</summary>
    public static string OfProperty(string name) => $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(name)}";

    /// <summary>The name of a record's property, or of an entry in a file, in words.</summary>
    public static string InWords(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name).Replace('-', ' ');

    /// <summary>The command-line names of the options that a record declares.</summary>
    public static IEnumerable<string> Of(Type record) => record.GetProperties().Where(property => property.IsDefined(typeof(OptionAttribute))).Select(property => OfProperty(property.Name));

    /// <summary>The name in a file of a command-line option.</summary>
    public static string InFile(string option) =>
        JsonNamingPolicy.CamelCase.ConvertName(string.Concat(option.Split('-').Where(word => word.Length > 0).Select(word => char.ToUpperInvariant(word[0]) + word[1..])));
}
