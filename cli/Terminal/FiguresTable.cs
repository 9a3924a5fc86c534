using System.Globalization;
using System.Text.Json.Nodes;

namespace OnnxVae.Cli.Terminal;

/// <summary>Prints named numbers in two columns.</summary>
internal static class FiguresTable
{
    public static void Print(string title, JsonObject figures)
    {
        Console.WriteLine(title);
        int width = figures.Max(entry => entry.Key.Length);
        foreach (var (name, value) in figures)
        {
            Console.WriteLine($"  {name.PadRight(width)}  {Text(value)}");
        }
    }

    private static string Text(JsonNode? value) => value is JsonArray array
        ? string.Join(" ", array.Select(Text))
        : value!.GetValue<object>() switch
        {
            string text => Remedies.Apply(text),
            double number => number.ToString("0.####", CultureInfo.InvariantCulture),
            var other => Convert.ToString(other, CultureInfo.InvariantCulture)!,
        };
}
