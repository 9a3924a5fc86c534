using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;

namespace OnnxVae.Training.Runs;

/// <summary>An option whose value differs between two sets of options.</summary>
/// <param name="Name">Its name, in camel case.</param>
/// <param name="Here">Its value in the first set; null if it has none.</param>
/// <param name="There">Its value in the second set; null if it has none.</param>
public sealed record OptionDifference(string Name, JsonNode? Here, JsonNode? There);

/// <summary>Options as stored in a run's folder, in <c>options.json</c>.</summary>
public static class StoredOptions
{
    /// <summary>All options, including those of nested objects, by their names in camel case.</summary>
    /// <param name="options">The options.</param>
    public static JsonObject Flatten<TOptions>(TOptions options)
    {
        var flat = new JsonObject();
        Add(JsonSerializer.SerializeToNode(options, Manifest.JsonOptions)!.AsObject());
        return flat;

        void Add(JsonObject group)
        {
            foreach (var (name, value) in group)
            {
                if (value is JsonObject inner)
                {
                    Add(inner);
                }
                else
                {
                    flat[name] = value?.DeepClone();
                }
            }
        }
    }

    /// <summary>Compares options.</summary>
    /// <param name="here">Options by name.</param>
    /// <param name="there">The others.</param>
    /// <param name="names">Which to compare; null for all that occur in either set.</param>
    /// <param name="except">Which to leave out.</param>
    /// <returns>The differences.</returns>
    public static IEnumerable<OptionDifference> Differences(JsonObject here, JsonObject there, IEnumerable<string>? names = null, IEnumerable<string>? except = null) =>
        (names ?? here.Concat(there).Select(entry => entry.Key)).Distinct().Except(except ?? [])
            .Where(name => !JsonNode.DeepEquals(here[name], there[name]))
            .Select(name => new OptionDifference(name, here[name], there[name]));
}
