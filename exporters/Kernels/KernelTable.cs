using System.Reflection;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Kernels;

/// <summary>
/// The kernels that an execution provider has for nodes of opset 18, by operator and element types: <c>cuda.tsv</c> after the table that ONNX Runtime publishes
/// (docs/OperatorKernels.md), <c>webgpu.tsv</c> after sessions that may not fall back to the processor.
/// </summary>
internal sealed class KernelTable
{
    private static readonly Dictionary<string, Lazy<KernelTable>> Tables =
        new[] { "cuda", "webgpu" }.ToDictionary(provider => provider, provider => new Lazy<KernelTable>(() => new KernelTable(provider)));

    private readonly ILookup<string, (ElementType[][] Inputs, ElementType[][] Outputs)> kernels;
    private readonly string provider;

    private KernelTable(string provider)
    {
        this.provider = provider;
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream($"kernels.{provider}.tsv")!);
        kernels = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
            .ToLookup(row => row[0], row => (ReadTypes(row[1]), ReadTypes(row[2])));
    }

    /// <summary>The providers that have a table.</summary>
    public static IEnumerable<string> Providers => Tables.Keys;

    /// <summary>The table of a provider; null for the processor, which has every kernel that is needed, and for providers that nothing is known of.</summary>
    public static KernelTable? For(string? provider) => provider is not null && Tables.TryGetValue(provider, out var table) ? table.Value : null;

    /// <summary>Whether there is a kernel for an operator, whatever the element types.</summary>
    public bool Has(string operatorType) => kernels.Contains(operatorType);

    /// <summary>Whether there is a kernel for a node.</summary>
    public bool Has(Node node) =>
        kernels[node.OperatorType].Any(kernel => Fit(kernel.Inputs, node.Inputs) && Fit(kernel.Outputs, node.Outputs))
        && !(node.OperatorType is "ArgMax" or "ArgMin" && node.Attributes.TryGetValue("select_last_index", out object? last) && last is 1L)
        && !(node.OperatorType == "ConvTranspose" && node.Attributes.TryGetValue("pads", out object? pads) && !IsSymmetric((long[])pads));

    /// <summary>Requires a kernel for every node of a graph.</summary>
    /// <exception cref="NotSupportedException">There is a node without one; the message names its layer.</exception>
    public void Require(IReadOnlyList<Value> outputs)
    {
        if (GraphOrder.NodesOf(outputs).FirstOrDefault(node => !Has(node)) is { } node)
        {
            string types = string.Join(", ", node.Inputs.Where(input => input != Value.Absent).Select(input => input.Type).Distinct());
            throw new NotSupportedException(
                $"{(node.Path.Length > 0 ? $"The layer '{node.Path}'" : "The objective")} cannot run on {provider}: it needs {node.OperatorType} of {types}, for which {provider} has no kernel. Use another layer, or compile for the processor.");
        }
    }

    // The last entry stands for all further arguments.
    private static bool Fit(ElementType[][] allowed, IReadOnlyList<Value> values) =>
        allowed.Length == 0 ? values.Count == 0 : values.Index().All(value => value.Item == Value.Absent || allowed[Math.Min(value.Index, allowed.Length - 1)].Contains(value.Item.Type));

    private static bool IsSymmetric(long[] pads) => pads.AsSpan(0, pads.Length / 2).SequenceEqual(pads.AsSpan(pads.Length / 2));

    private static ElementType[][] ReadTypes(string column) =>
        [.. column.Split('|').Where(types => types != "-" || column != "-").Select(types => types.Split(',').Where(type => type != "-").Select(ReadType).ToArray())];

    private static ElementType ReadType(string name) => name switch
    {
        "float" => ElementType.Float32,
        "uint8" => ElementType.UInt8,
        "int64" => ElementType.Int64,
        "bool" => ElementType.Bool,
        _ => throw new InvalidDataException($"The table of kernels has the unknown type '{name}'."),
    };
}
