using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Cli;

/// <summary>Options as they stand in options.json.</summary>
internal static class StoredOptions
{
    /// <summary>All of them, also those of an inner object, by their names in camel case.</summary>
    /// <param name="options">The options.</param>
    /// <param name="inner">The inner object's name.</param>
    public static JsonObject Flatten<TOptions>(TOptions options, string inner)
    {
        var flat = JsonSerializer.SerializeToNode(options, Manifest.JsonOptions)!.AsObject();
        var values = flat[inner]?.AsObject().ToArray() ?? [];
        flat.Remove(inner); // before its values come, of which one may have the same name
        foreach (var (name, value) in values)
        {
            flat[name] = value?.DeepClone();
        }

        return flat;
    }

    /// <summary>What an option of the command line is called there.</summary>
    public static string NameOf(Option option) =>
        JsonNamingPolicy.CamelCase.ConvertName(string.Concat(option.Name.Split('-').Where(word => word.Length > 0).Select(word => char.ToUpperInvariant(word[0]) + word[1..])));

    /// <summary>What is called so there is called on the command line.</summary>
    public static string OptionOf(string name) => $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(name)}";
}
