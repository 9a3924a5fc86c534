using Google.Protobuf.Collections;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>The sizes of a file's symbolic dimensions: the batch for first dimensions, or sizes that were given.</summary>
/// <param name="batch">The size of the batch.</param>
/// <param name="given">Sizes by the name of the dimension, or by <c>INPUT[AXIS]</c> if it has none.</param>
internal sealed class SymbolicSizes(long batch, IReadOnlyDictionary<string, long> given)
{
    private readonly HashSet<string> batches = [];

    /// <summary>The shape of an input.</summary>
    /// <exception cref="InvalidDataException">A dimension after the first has no size, and none was given.</exception>
    public Shape OfInput(ValueInfoProto input)
    {
        var dimensions = DimensionsOf(input);
        if (dimensions is [{ HasDimValue: false } first, ..] && !given.ContainsKey(NameOf(input, 0, first)))
        {
            batches.Add(NameOf(input, 0, first));
        }

        return [.. dimensions.Select((dimension, axis) => Find(input, axis, dimension) ?? throw new InvalidDataException(
            $"Axis {axis} of input '{input.Name}' is symbolic: give the size of '{NameOf(input, axis, dimension)}'."))];
    }

    /// <summary>The shape of a result; null if one of its dimensions is not known.</summary>
    public Shape? OfResult(ValueInfoProto result)
    {
        long?[] sizes = [.. DimensionsOf(result).Select((dimension, axis) => Find(result, axis, dimension))];
        return sizes.Contains(null) ? null : [.. sizes.Select(size => size!.Value)];
    }

    private long? Find(ValueInfoProto info, int axis, TensorShapeProto.Types.Dimension dimension) =>
        dimension.HasDimValue ? dimension.DimValue >= 0 ? dimension.DimValue : throw new InvalidDataException($"Axis {axis} of '{info.Name}' has the size {dimension.DimValue}: the file is damaged.")
        : given.TryGetValue(NameOf(info, axis, dimension), out long size) ? size
        : batches.Contains(NameOf(info, axis, dimension)) ? batch
        : null;

    private static RepeatedField<TensorShapeProto.Types.Dimension> DimensionsOf(ValueInfoProto info) => info.Type?.TensorType?.Shape?.Dim ?? [];

    private static string NameOf(ValueInfoProto info, int axis, TensorShapeProto.Types.Dimension dimension) =>
        dimension.DimParam.Length > 0 ? dimension.DimParam : $"{info.Name}[{axis}]";
}
