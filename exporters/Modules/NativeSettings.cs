using OnnxVae.Exporters.Graph;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Exporters.Modules;

/// <summary>
/// Settings that TorchSharp's embedding, attention and recurrent layers keep in native memory and do not expose. They are inferred
/// from what the module computes: the one setting that explains its output.
/// </summary>
/// <param name="Heads">Number of attention heads.</param>
/// <param name="IsGelu">Whether a transformer block has GELU instead of ReLU between its dense layers.</param>
/// <param name="BatchFirst">Whether a recurrent layer takes [N, T, I] instead of [T, N, I].</param>
/// <param name="PaddingIndex">The row of an embedding that is not trained; null for none.</param>
internal sealed record NativeSettings(long Heads = 1, bool IsGelu = false, bool BatchFirst = false, long? PaddingIndex = null)
{
    private const double Tolerance = 1e-4;
    private const float LongRow = 1e9f;

    /// <summary>Settings of an attention layer: its heads.</summary>
    /// <exception cref="NotSupportedException">No number of heads explains what the layer computes, or several do; or it drops activations in training.</exception>
    public static NativeSettings Of(MultiheadAttention layer, ModuleLowering lowering) => Observe(layer, lowering, () =>
    {
        var weights = Weights(layer, "");
        long features = weights["out_proj.weight"].shape[0];
        var (query, key, value) = (Probe(5, 3, features), Probe(4, 3, KeySize("k", features)), Probe(4, 3, KeySize("v", features)));
        return (() => layer.forward(query, key, value, null, false, null).Item1, Candidates(features)
            .Select(heads => (new NativeSettings(heads), Attend(weights, heads, query, key, value))));

        long KeySize(string name, long otherwise) => weights.TryGetValue($"{name}_proj_weight", out var weight) ? weight.shape[1] : otherwise;
    });

    /// <summary>Settings of a transformer block: heads and activation.</summary>
    /// <inheritdoc cref="Of(MultiheadAttention, ModuleLowering)"/>
    public static NativeSettings Of(TransformerEncoderLayer layer, ModuleLowering lowering) => Observe(layer, lowering, () =>
    {
        var x = Probe(5, 3, Weights(layer, "")["norm1.weight"].shape[0]);
        return (() => layer.call(x), Blocks(layer, [""], x));
    });

    /// <summary>Settings of a stack of transformer blocks, which all have the same.</summary>
    /// <inheritdoc cref="Of(MultiheadAttention, ModuleLowering)"/>
    public static NativeSettings Of(TransformerEncoder encoder, ModuleLowering lowering) => Observe(encoder, lowering, () =>
    {
        string[] layers = [.. Weights(encoder, "").Keys.Where(name => name.EndsWith("norm1.weight", StringComparison.Ordinal)).Select(name => name[..^"norm1.weight".Length])];
        var x = Probe(5, 3, Weights(encoder, layers[0])["norm1.weight"].shape[0]);
        return (() => encoder.call(x), Blocks(encoder, layers, x));
    });

    /// <summary>Settings of an embedding: the row without a gradient.</summary>
    /// <exception cref="NotSupportedException">The embedding rescales its rows.</exception>
    public static NativeSettings Of(Embedding layer)
    {
        using var recording = inference_mode(false); // even if the caller has disabled gradients
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        var weight = layer.weight!;
        var all = arange(weight.shape[0], dtype: ScalarType.Int64);
        if (RescalesRows(layer, weight, all))
        {
            throw new NotSupportedException("it rescales its rows to max_norm on reading, which graphs cannot do: create it without max_norm.");
        }

        using var gradient = GradientOfSum(layer, weight, all);
        long[] untrained = [.. gradient.sum(1).eq(0).nonzero().data<long>()];
        return new NativeSettings(PaddingIndex: untrained.Length == 1 ? untrained[0] : null);
    }

    private static Tensor GradientOfSum(Embedding layer, Tensor weight, Tensor all)
    {
        bool wasTrained = weight.requires_grad;
        try
        {
            weight.requires_grad = true;
            return autograd.grad([layer.call(all).sum()], [weight])[0];
        }
        finally
        {
            weight.requires_grad = wasTrained;
        }
    }

    // Rows far longer than any limit come back unchanged, or shortened. The layer's weights are restored.
    private static bool RescalesRows(Embedding layer, Tensor weight, Tensor all)
    {
        using var noGradient = no_grad();
        var before = weight.clone();
        try
        {
            weight.fill_(LongRow);
            return !layer.call(all).eq(LongRow).all().item<bool>();
        }
        finally
        {
            weight.copy_(before);
        }
    }

    /// <summary>Settings of a recurrent layer: which axis is the batch.</summary>
    /// <exception cref="NotSupportedException">The layer drops activations in training.</exception>
    public static NativeSettings Of(GRU layer, ModuleLowering lowering) => OfRecurrent(layer, lowering, x => layer.forward(x, null!));

    /// <inheritdoc cref="Of(GRU, ModuleLowering)"/>
    public static NativeSettings Of(LSTM layer, ModuleLowering lowering) => OfRecurrent(layer, lowering, x =>
    {
        var (output, hidden, _) = layer.forward(x, null);
        return (output, hidden);
    });

    // The last hidden state, [layers, N, H], distinguishes the batch of two from the three steps.
    private static NativeSettings OfRecurrent(nn.Module layer, ModuleLowering lowering, Func<Tensor, (Tensor Output, Tensor Hidden)> forward)
    {
        using var scope = NewDisposeScope();
        var x = Probe(2, 3, Weights(layer, "")["weight_ih_l0"].shape[1]);
        RequireNoDropout(layer, lowering, () => forward(x).Output);
        using var noGradient = no_grad();
        using var hidden = InMode(layer, training: false, () => forward(x).Hidden);
        return new NativeSettings(BatchFirst: hidden.shape[1] == 2);
    }

    private static NativeSettings Observe(
        nn.Module layer, ModuleLowering lowering, Func<(Func<Tensor> Forward, IEnumerable<(NativeSettings Settings, Tensor Output)> Candidates)> probe)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (forward, candidates) = probe();
        var expected = InMode(layer, training: false, forward);
        var matches = candidates.Where(candidate => (candidate.Output - expected).norm().item<float>() < Tolerance * expected.norm().item<float>()).ToArray();
        RequireNoDropout(layer, lowering, forward);
        return matches.Length == 1 ? matches[0].Settings : throw new NotSupportedException(
            $"TorchSharp does not expose its settings, and {(matches.Length == 0 ? "none" : $"{matches.Length} different ones")} of those that are supported explain what it computes. Lower it before its weights are set to zeros, and without bias_kv or zero_attention.");
    }

    private static void RequireNoDropout(nn.Module layer, ModuleLowering lowering, Func<Tensor> forward)
    {
        using var noGradient = no_grad();
        using var randomState = get_rng_state();
        bool drops = lowering.IsTraining(layer) && !InMode(layer, training: true, forward).allclose(InMode(layer, training: false, forward));
        set_rng_state(randomState);
        if (drops)
        {
            throw new NotSupportedException(
                $"it uses dropout in training, with a probability that TorchSharp does not expose: create it with dropout 0 and add Dropout layers around it.");
        }
    }

    private static Tensor InMode(nn.Module layer, bool training, Func<Tensor> forward)
    {
        bool before = layer.training;
        layer.train(training);
        try
        {
            return forward();
        }
        finally
        {
            layer.train(before);
        }
    }

    private static IEnumerable<(NativeSettings, Tensor)> Blocks(nn.Module layer, IReadOnlyList<string> prefixes, Tensor x) =>
        from heads in Candidates(x.shape[2])
        from isGelu in (bool[])[false, true]
        select (new NativeSettings(heads, isGelu), prefixes.Aggregate(x, (y, prefix) => Block(Weights(layer, prefix), heads, isGelu, y)));

    private static IEnumerable<long> Candidates(long features) => Enumerable.Range(1, (int)features).Select(heads => (long)heads).Where(heads => features % heads == 0);

    // Large enough for the softmax to tell heads apart; not random, which would advance the user's generator.
    private static Tensor Probe(params long[] shape) => 4 * (arange(shape.Product(), dtype: ScalarType.Float32) * 1.7).sin().reshape(shape);

    private static Dictionary<string, Tensor> Weights(nn.Module layer, string prefix) => layer.named_parameters()
        .Where(pair => pair.name.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(pair => pair.name[prefix.Length..], pair => pair.parameter.detach().cpu());

    private static Tensor Attend(Dictionary<string, Tensor> weights, long heads, Tensor query, Tensor key, Tensor value)
    {
        var projections = weights.TryGetValue("in_proj_weight", out var stacked)
            ? stacked.chunk(3)
            : [weights["q_proj_weight"], weights["k_proj_weight"], weights["v_proj_weight"]];
        var biases = weights.TryGetValue("in_proj_bias", out var bias) ? bias.chunk(3) : [];
        Tensor PerHead(Tensor x, int i) => nn.functional.linear(x, projections[i], biases.ElementAtOrDefault(i))
            .reshape(x.shape[0], x.shape[1], heads, -1).permute(1, 2, 0, 3); // [N, H, L, D]

        var (q, k, v) = (PerHead(query, 0), PerHead(key, 1), PerHead(value, 2));
        var mixed = (q.matmul(k.transpose(2, 3)) / Math.Sqrt(q.shape[3])).softmax(-1).matmul(v);
        return nn.functional.linear(mixed.permute(2, 0, 1, 3).reshape(query.shape), weights["out_proj.weight"], weights.GetValueOrDefault("out_proj.bias"));
    }

    private static Tensor Block(Dictionary<string, Tensor> weights, long heads, bool isGelu, Tensor x)
    {
        var attention = weights.Where(pair => pair.Key.StartsWith("self_attn.", StringComparison.Ordinal)).ToDictionary(pair => pair.Key["self_attn.".Length..], pair => pair.Value);
        Tensor Dense(string name, Tensor y) => nn.functional.linear(y, weights[$"{name}.weight"], weights[$"{name}.bias"]);
        Tensor Norm(string name, Tensor y) => nn.functional.layer_norm(y, [y.shape[^1]], weights[$"{name}.weight"], weights[$"{name}.bias"]);
        x = Norm("norm1", x + Attend(attention, heads, x, x, x));
        var hidden = Dense("linear1", x);
        return Norm("norm2", x + Dense("linear2", isGelu ? nn.functional.gelu(hidden) : hidden.relu()));
    }
}
