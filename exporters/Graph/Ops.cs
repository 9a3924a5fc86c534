using System.Collections.Immutable;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

/// <summary>
/// The operators: one function each, with ONNX's name and inputs where ONNX has the operator. A function infers element type and shape
/// and throws <see cref="ArgumentException"/> at the caller's line if the operands do not fit.
/// </summary>
/// <remarks>Semantics are those of ONNX operator set 18, https://onnx.ai/onnx/operators. Meant for <c>using static</c>.</remarks>
public static partial class Ops
{
    private static Value Apply(
        string operatorType, ElementType type, Shape shape, ImmutableArray<Value> inputs, params ReadOnlySpan<(string Name, object Value)> attributes) =>
        ApplyMany(operatorType, [(type, shape)], inputs, attributes)[0];

    private static ImmutableArray<Value> ApplyMany(
        string operatorType,
        IEnumerable<(ElementType Type, Shape Shape)> outputs,
        ImmutableArray<Value> inputs,
        params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var named = ImmutableSortedDictionary.CreateBuilder<string, object>(StringComparer.Ordinal);
        foreach (var (name, value) in attributes)
        {
            named.Add(name, value);
        }

        return new Node(operatorType, inputs, named.ToImmutable(), outputs).Outputs;
    }

    private static void Require(bool condition, string operatorType, FormattableString problem)
    {
        if (!condition)
        {
            throw new ArgumentException(FormattableString.Invariant($"{operatorType}: {FormattableString.Invariant(problem)}"));
        }
    }

    private static void RequireFloat(string operatorType, params ReadOnlySpan<Value> operands)
    {
        foreach (var x in operands)
        {
            Require(x.Type == ElementType.Float32, operatorType, $"'{x}' must be {ElementType.Float32}; convert it with Cast.");
        }
    }
}
