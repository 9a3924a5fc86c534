using System.Security.Cryptography;
using Google.Protobuf;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Tests.Support;

/// <summary>What a graph computes, whatever its nodes and values are called: operators, attributes, wiring, constants, types and shapes.</summary>
internal static class CanonicalGraph
{
    /// <summary>A hash of the graph, as hexadecimal digits. Inputs and outputs count by their places.</summary>
    public static string HashOf(OnnxModel model)
    {
        var graph = model.Proto.Graph;
        var values = new Dictionary<string, string> { [""] = "absent" };
        foreach (var (input, i) in graph.Input.Select((input, i) => (input, i)))
        {
            values[input.Name] = Hash($"input {i}", input.Type.ToByteString().ToBase64());
        }

        foreach (var tensor in graph.Initializer)
        {
            values[tensor.Name] = HashOf(tensor);
        }

        foreach (var node in graph.Node)
        {
            string computed = Hash(
            [
                node.OpType, node.Domain, .. node.Input.Select(name => values[name]),
                .. node.Attribute.OrderBy(attribute => attribute.Name, StringComparer.Ordinal).Select(attribute => attribute.T is { } tensor ? $"{attribute.Name} {HashOf(tensor)}" : attribute.ToByteString().ToBase64()),
            ]);
            foreach (var (name, i) in node.Output.Select((name, i) => (name, i)).Where(output => output.name.Length > 0))
            {
                values[name] = Hash(computed, $"{i}");
            }
        }

        return Hash([$"{graph.Node.Count}", .. graph.Output.Select(output => $"{values[output.Name]} {output.Type.ToByteString().ToBase64()}")])[..16];
    }

    private static string HashOf(TensorProto tensor)
    {
        var unnamed = tensor.Clone();
        unnamed.ClearName();
        return Hash("constant", Convert.ToHexString(SHA256.HashData(unnamed.ToByteArray())));
    }

    private static string Hash(params string[] parts) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', parts))));
}
