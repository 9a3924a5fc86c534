using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Passes;

/// <summary>
/// Merges what is computed twice: equal constants, and equal operations on equal inputs. Unknown operators are left
/// alone: they may draw random numbers.
/// </summary>
internal static class CommonSubexpressions
{
    /// <summary>Rebuilds the graph behind the outputs with every value computed once.</summary>
    public static IReadOnlyList<Value> Merge(IReadOnlyList<Value> outputs)
    {
        var constants = new Dictionary<string, Value>();
        var nodes = new Dictionary<string, ImmutableArray<Value>>();
        var numbers = new Dictionary<Value, int>();
        return GraphRewriter.Rewrite(
            outputs,
            (node, inputs) => node.IsOpaque ? Rebuild(node, inputs) : First(nodes, Key(node, inputs.Select(Number)), () => Rebuild(node, inputs)),
            value => value.Constant is { } tensor ? First(constants, Key(tensor), () => value) : value);

        int Number(Value value) => numbers.TryGetValue(value, out int number) ? number : numbers[value] = numbers.Count;
    }

    private static T First<T>(Dictionary<string, T> seen, string key, Func<T> create) =>
        seen.TryGetValue(key, out var value) ? value : seen[key] = create();

    private static ImmutableArray<Value> Rebuild(Node node, ImmutableArray<Value> inputs)
    {
        if (inputs == node.Inputs)
        {
            return node.Outputs;
        }

        var rebuilt = node.With(inputs).Outputs;
        Node.LabelBetween(inputs, rebuilt, _ => node.Path);
        return rebuilt;
    }

    private static string Key(Node node, IEnumerable<int> inputs) =>
        $"{node.OperatorType}({string.Join(',', inputs)}){string.Join(';', node.OnnxAttributes.Select(attribute => $"{attribute.Key}={Key(attribute.Value)}"))}";

    private static string Key(object attribute) => attribute switch
    {
        Tensor tensor => Key(tensor),
        long[] numbers => string.Join(',', numbers),
        float number => Key(number),
        float[] numbers => string.Join(',', numbers.Select(Key)),
        _ => attribute.ToString()!,
    };

    private static string Key(float number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static string Key(Tensor tensor) => $"{tensor.Type}{tensor.Shape}{Convert.ToHexString(SHA256.HashData(tensor.Data.Span))}";
}
