using System.Globalization;
using Google.Protobuf.Collections;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>An operator's definition in ONNX since one of its sets: how many inputs and outputs, of which types, and which attributes.</summary>
/// <remarks>
/// From the definitions at https://onnx.ai/onnx/operators, in the file <c>Operators.tsv</c>: name, set, inputs, outputs, types and attributes. An input or
/// output is a type or its letter; <c>?</c> may be left out, <c>*</c> and <c>~</c> may be repeated, of one type or several. Types are <c>f</c> for floats
/// of any precision, <c>i</c> for integers, <c>u</c> for UInt8 and <c>b</c> for Bool. Attributes with <c>!</c> are required. Operators with sub-graphs,
/// sequences or strings are not listed.
/// </remarks>
internal sealed class OperatorSchema
{
    private static readonly ILookup<string, OperatorSchema> All = ReadAll();

    private readonly long since;
    private readonly string[] inputs, outputs;
    private readonly Dictionary<string, string> types;
    private readonly Dictionary<string, (string Type, bool IsRequired)> attributes;

    private OperatorSchema(string[] columns)
    {
        since = long.Parse(columns[1], CultureInfo.InvariantCulture);
        (inputs, outputs) = (Words(columns[2]), Words(columns[3]));
        types = Words(columns[4]).Select(word => word.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        attributes = Words(columns[5]).Select(word => word.Split(':')).ToDictionary(pair => pair[0], pair => (pair[1].TrimEnd('!'), pair[1].EndsWith('!')));
    }

    /// <summary>An operator's definition in an operator set; null if ONNX has none of that name, or one that graphs here cannot represent.</summary>
    public static OperatorSchema? Find(string operatorType, long operatorSet) => All[operatorType].LastOrDefault(schema => schema.since <= operatorSet);

    /// <summary>What is wrong with a node by ONNX's definition of the operator; null if nothing is.</summary>
    /// <param name="node">The node.</param>
    /// <param name="given">The types of its inputs; null for those that are left out.</param>
    public string? FindFault(NodeProto node, IReadOnlyList<ElementType?> given) =>
        FaultOfCount("inputs", inputs, node.Input) ?? FaultOfCount("outputs", outputs, node.Output) ?? FaultOfAttributes(node) ?? FaultOfTypes(given);

    /// <summary>What is wrong with the types that a file declares for results; null if nothing is.</summary>
    /// <param name="given">The types of the inputs.</param>
    /// <param name="declared">The types of the results; null if the file does not say.</param>
    public string? FindFaultOfResults(IReadOnlyList<ElementType?> given, IReadOnlyList<ElementType?> declared)
    {
        var bound = new Dictionary<string, ElementType>();
        for (int i = 0; i < given.Count; i++)
        {
            if (given[i] is { } type)
            {
                bound.TryAdd(NameOf(inputs, i), type);
            }
        }

        int wrong = Enumerable.Range(0, declared.Count).FirstOrDefault(i => declared[i] is { } type && outputs.Length > 0 && NameOf(outputs, i) is var name
            && (types.ContainsKey(name) && bound.TryGetValue(name, out var other) ? other != type : !types.GetValueOrDefault(name, name).Contains(Letter(type), StringComparison.Ordinal)), -1);
        return wrong < 0 ? null : $"its result {wrong} is said to be {declared[wrong]}, which the operator does not compute of such inputs";
    }

    /// <summary>Whether a node of another set may be written in this one as it is.</summary>
    public bool Takes(NodeProto node, OperatorSchema other) =>
        inputs.SequenceEqual(other.inputs) && outputs.SequenceEqual(other.outputs) && node.Attribute.All(attribute => attributes.ContainsKey(attribute.Name));

    private static ILookup<string, OperatorSchema> ReadAll()
    {
        using var reader = new StreamReader(typeof(OperatorSchema).Assembly.GetManifestResourceStream("operators.tsv")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
            .ToLookup(columns => columns[0], columns => new OperatorSchema(columns));
    }

    private static string[] Words(string column) => column == "-" ? [] : column.Split(' ');

    private static string? FaultOfCount(string what, string[] slots, RepeatedField<string> names)
    {
        bool isOpen = slots is [.., var last] && last[^1] is '*' or '~';
        if (names.Count > slots.Length && !isOpen)
        {
            return $"it has {names.Count} {what}, but the operator has {slots.Length} at most";
        }

        for (int i = 0; i < slots.Length; i++)
        {
            if (slots[i][^1] != '?' && (i >= names.Count || names[i].Length == 0))
            {
                return i >= names.Count ? $"it has {names.Count} {what}, but the operator needs {slots.Count(slot => slot[^1] != '?')}" : $"its {what[..^1]} {i} is left out, but is needed";
            }
        }

        return null;
    }

    private string? FaultOfAttributes(NodeProto node)
    {
        foreach (var attribute in node.Attribute)
        {
            if (!attributes.TryGetValue(attribute.Name, out var known))
            {
                return $"the operator has no attribute '{attribute.Name}'";
            }

            if (!string.Equals(known.Type, $"{attribute.Type}", StringComparison.OrdinalIgnoreCase))
            {
                return $"its attribute '{attribute.Name}' must be of type {known.Type}, not {attribute.Type}";
            }
        }

        return node.Attribute.CountBy(attribute => attribute.Name).FirstOrDefault(count => count.Value > 1).Key is { } twice ? $"it has the attribute '{twice}' twice"
            : attributes.FirstOrDefault(entry => entry.Value.IsRequired && node.Attribute.All(attribute => attribute.Name != entry.Key)).Key is { } missing ? $"its attribute '{missing}' is missing"
            : null;
    }

    private string? FaultOfTypes(IReadOnlyList<ElementType?> given)
    {
        var bound = new Dictionary<string, ElementType>();
        for (int i = 0; i < given.Count; i++)
        {
            if (given[i] is not { } type)
            {
                continue;
            }

            string slot = inputs[Math.Min(i, inputs.Length - 1)], name = NameOf(inputs, i);
            if (!types.GetValueOrDefault(name, name).Contains(Letter(type), StringComparison.Ordinal))
            {
                return $"its input {i} has the element type {type}, which the operator does not take there";
            }

            if (types.ContainsKey(name) && slot[^1] != '~' && bound.TryGetValue(name, out var other) && other != type)
            {
                return $"its input {i} has the element type {type}, another input {other}; they must be the same";
            }

            bound[name] = type;
        }

        return null;
    }

    private static string NameOf(string[] slots, int index) => slots[Math.Min(index, slots.Length - 1)].TrimEnd('?', '*', '~');

    private static char Letter(ElementType type) => type switch
    {
        ElementType.Float32 => 'f',
        ElementType.Int64 => 'i',
        ElementType.UInt8 => 'u',
        ElementType.Bool => 'b',
        _ => '?',
    };
}
