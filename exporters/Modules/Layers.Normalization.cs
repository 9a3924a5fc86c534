using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Normalizations =>
    [
        Row<BatchNorm1d>(NormalizeBatch),
        Row<BatchNorm2d>(NormalizeBatch),
        Row<BatchNorm3d>(NormalizeBatch),
        Row<InstanceNorm1d>(NormalizeInstances),
        Row<InstanceNorm2d>(NormalizeInstances),
        Row<InstanceNorm3d>(NormalizeInstances),
        Row<GroupNorm>((lowering, layer, x) => Scale(lowering, layer.weight, layer.bias, NormalizeGroups(x, layer.num_groups, (float)layer.eps))),
        Row<LayerNorm>((lowering, layer, x) => NormalizeLayer(lowering, layer, x)),
        Row<LocalResponseNorm>((layer, x) => x / Pow((float)layer.k + ((float)layer.alpha * Neighbours(Square(x), layer.size)), (float)layer.beta)),
    ];

    // Ioffe and Szegedy 2015, arXiv 1502.03167: batch statistics in training, their running averages in evaluation.
    private static Value NormalizeBatch(ModuleLowering lowering, NormBase layer, Value x) =>
        Normalize(lowering, layer, x, [0, .. SpatialAxes(x)], () => CountBatch(lowering, layer));

    // Ulyanov, Vedaldi and Lempitsky 2016, arXiv 1607.08022: the same for each image separately.
    private static Value NormalizeInstances(ModuleLowering lowering, NormBase layer, Value x) =>
        Normalize(lowering, layer, x, SpatialAxes(x), () => (float)(layer.momentum ?? 0), leastRank: 3);

    private static Value Normalize(ModuleLowering lowering, NormBase layer, Value x, int[] axes, Func<Value> momentum, int leastRank = 2)
    {
        if (x.Shape.Rank < leastRank || x.Shape[1] != layer.num_features)
        {
            throw new ArgumentException($"the input '{x}' must have at least {leastRank} axes, and {layer.num_features} channels on axis 1.");
        }

        if (layer.track_running_stats && !lowering.IsTraining(layer))
        {
            return ScaleByRunningStatistics(lowering, layer, x);
        }

        if (layer.track_running_stats)
        {
            UpdateRunningStatistics(lowering, layer, x, axes, momentum());
        }

        return Scale(lowering, layer.weight, layer.bias, Ops.Normalize(x, axes, (float)layer.eps));
    }

    // Folded into one product and one sum per channel, which a runtime merges with the preceding convolution.
    private static Value ScaleByRunningStatistics(ModuleLowering lowering, NormBase layer, Value x)
    {
        var scale = 1f / Sqrt(lowering.Parameter(layer.running_var!) + (float)layer.eps);
        scale = layer.weight is null ? scale : lowering.Parameter(layer.weight) * scale;
        var shift = -lowering.Parameter(layer.running_mean!) * scale;
        shift = layer.bias is null ? shift : lowering.Parameter(layer.bias) + shift;
        return (x * PerChannel(scale, x)) + PerChannel(shift, x);
    }

    // Without a momentum the running statistics are the mean over all batches.
    private static Value CountBatch(ModuleLowering lowering, NormBase layer)
    {
        var batches = lowering.Parameter(layer.num_batches_tracked!) + Value.Of<long>(Shape.Scalar, 1);
        lowering.Update(layer.num_batches_tracked!, batches);
        return layer.momentum is { } momentum ? (float)momentum : 1f / Cast(batches, ElementType.Float32);
    }

    // running' = (1 - momentum) running + momentum batch, with the unbiased variance.
    private static void UpdateRunningStatistics(ModuleLowering lowering, NormBase layer, Value x, int[] axes, Value momentum)
    {
        if (x.Shape.HasBatch)
        {
            throw new ArgumentException($"the running variance needs the number of entries, but the batch of '{x}' is symbolic: fix the batch size.");
        }

        float count = axes.Select(axis => x.Shape[axis]).Product();
        var mean = ReduceMean(x, axes, keepDimensions: true);
        var variance = ReduceMean(Square(x - mean), axes, keepDimensions: true) * (count / (count - 1));
        lowering.Update(layer.running_mean!, Average(layer.running_mean!, mean));
        lowering.Update(layer.running_var!, Average(layer.running_var!, variance));

        // Instances of a batch are averaged: [N, C, 1, 1] or [1, C, 1, 1] to [C].
        Value Average(TorchSharp.torch.Tensor running, Value batch)
        {
            var channels = Reshape(StopGradient(ReduceMean(batch, [0], keepDimensions: true)), [layer.num_features]);
            var current = lowering.Parameter(running);
            return current + (momentum * (channels - current));
        }
    }

    // Ba, Kiros and Hinton 2016, arXiv 1607.06450.
    private static Value NormalizeLayer(ModuleLowering lowering, LayerNorm layer, Value x)
    {
        int rank = layer.normalized_shape.Length;
        if (!x.Shape.TakeLast(rank).SequenceEqual(layer.normalized_shape))
        {
            throw new ArgumentException($"the input '{x}' does not end in the normalized shape [{string.Join(", ", layer.normalized_shape)}].");
        }

        return LayerNormalized(
            x, rank, (float)layer.eps,
            Optional(lowering, layer.weight), Optional(lowering, layer.bias));
    }

    private static Value LayerNormalized(Value x, int rank, float epsilon, Value? weight, Value? bias)
    {
        var y = Ops.Normalize(x, [.. Enumerable.Range(x.Shape.Rank - rank, rank)], epsilon);
        y = weight is null ? y : y * weight;
        return bias is null ? y : y + bias;
    }

    // Krizhevsky et al. 2012, section 3.3: the mean over neighboring channels; those outside count as zero.
    private static Value Neighbours(Value x, long size)
    {
        var padded = Pad(x, axis: 1, before: size / 2, after: (size - 1) / 2);
        return Enumerable.Range(0, (int)size).Select(i => Slice(padded, 1, i, i + x.Shape[1])).Aggregate((sum, term) => sum + term) / (float)size;
    }

    private static Value Scale(ModuleLowering lowering, Parameter? weight, Parameter? bias, Value x)
    {
        var y = weight is null ? x : x * PerChannel(lowering.Parameter(weight), x);
        return AddPerChannel(y, Optional(lowering, bias));
    }
}
