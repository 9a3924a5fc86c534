using System.Collections.Immutable;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

/// <summary>
/// One application of an operator: its type, inputs and attributes. An operator is either one of the ONNX standard
/// (<c>ai.onnx</c>) or a primitive of this project (see <see cref="Primitive"/>) that passes lower to standard ones.
/// </summary>
public sealed class Node
{
    internal Node(
        string operatorType,
        ImmutableArray<Value> inputs,
        ImmutableSortedDictionary<string, object> attributes,
        params IEnumerable<(ElementType Type, Shape Shape)> outputs)
    {
        (OperatorType, Inputs, Attributes) = (operatorType, inputs, attributes);
        Outputs = [.. outputs.Select((output, i) => Value.Computed(this, i, output.Type, output.Shape))];
    }

    /// <summary>The ONNX operator type, such as <c>MatMul</c>.</summary>
    public string OperatorType { get; }

    /// <summary>The inputs, in ONNX order.</summary>
    public ImmutableArray<Value> Inputs { get; }

    /// <summary>The results, in ONNX order.</summary>
    public ImmutableArray<Value> Outputs { get; }

    /// <summary>Attribute values by ONNX name: <see cref="long"/>, <see cref="float"/>, <see cref="string"/>, arrays of them, tensors, or a primitive's geometry.</summary>
    public ImmutableSortedDictionary<string, object> Attributes { get; }

    /// <summary>
    /// Whether the node was read from a file with an operator or settings that this project has no function for: it is written
    /// as it was read, and has no gradient.
    /// </summary>
    public bool IsOpaque { get; init; }

    /// <summary>The attributes that ONNX defines for the operator; the others are for gradient rules, and hold the same information in another form.</summary>
    internal IEnumerable<KeyValuePair<string, object>> OnnxAttributes =>
        Attributes.Where(attribute => attribute.Value is not (ConvolutionGeometry or Interpolation[]));

    /// <summary>The module path under which the node was made, <c>encoder.conv1</c>; empty outside modules.</summary>
    public string Path { get; private set; } = "";

    /// <summary>An attribute's value.</summary>
    public T Attribute<T>(string name) => (T)Attributes[name];

    /// <summary>The same operation on other inputs.</summary>
    internal Node With(ImmutableArray<Value> inputs) =>
        new(OperatorType, inputs, Attributes, Outputs.Select(output => (output.Type, output.Shape))) { IsOpaque = IsOpaque, Path = Path };

    /// <summary>
    /// Gives a path to every node between <paramref name="results"/> and <paramref name="arguments"/> that has none yet.
    /// A path is used only for names and profiles: it never changes what a graph computes.
    /// </summary>
    internal static void LabelBetween(IEnumerable<Value> arguments, IEnumerable<Value> results, Func<Node, string> path)
    {
        var visited = arguments.ToHashSet();
        var pending = new Stack<Value>(results);
        while (pending.TryPop(out var value))
        {
            if (value.Producer is { Path: "" } node && visited.Add(value))
            {
                node.Path = path(node);
                foreach (var input in node.Inputs)
                {
                    pending.Push(input);
                }
            }
        }
    }
}
