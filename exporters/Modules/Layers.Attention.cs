using OnnxVae.Exporters.Graph;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private const float TransformerEpsilon = 1e-5f;

    // Vaswani et al. 2017, arXiv 1706.03762. Sequences come first: [length, N, features]; a mask that is added to
    // the scores, [length, length], may follow.
    private static KeyValuePair<Type, LayerRule>[] Attention =>
    [
        Row<MultiheadAttention>(3, 4, (lowering, layer, inputs) =>
            Attend(lowering, layer, "", NativeSettings.Of(layer, lowering).Heads, inputs[0], inputs[1], inputs[2], inputs.ElementAtOrDefault(3))),
        Row<TransformerEncoderLayer>(1, 2, (lowering, layer, inputs) =>
            [EncodeBlock(lowering, layer, "", NativeSettings.Of(layer, lowering), inputs[0], inputs.ElementAtOrDefault(1))]),
        Row<TransformerEncoder>(1, 2, (lowering, encoder, inputs) => [Encode(lowering, encoder, inputs[0], inputs.ElementAtOrDefault(1))]),
    ];

    // softmax(q k^T / sqrt(d) + mask) v for each head, and the weights averaged over the heads, [N, L, S].
    private static IReadOnlyList<Value> Attend(
        ModuleLowering lowering, Module layer, string prefix, long heads, Value query, Value key, Value value, Value? mask)
    {
        var (inQ, inK, inV) = InputProjections(lowering, layer, prefix);
        var biases = lowering.FindParameter(layer, $"{prefix}in_proj_bias") is { } bias ? Split(bias, 0, 3) : [];
        var (q, k, v) = (
            Affine(query, inQ, biases.ElementAtOrDefault(0)), Affine(key, inK, biases.ElementAtOrDefault(1)), Affine(value, inV, biases.ElementAtOrDefault(2)));
        long size = q.Shape[2] / heads;
        Value PerHead(Value x) => Reshape(x, [x.Shape[0], x.Shape[1], heads, size]); // [L, N, E] -> [L, N, H, D]

        var scores = MatMul(Transpose(PerHead(q) * (1f / MathF.Sqrt(size)), 1, 2, 0, 3), Transpose(PerHead(k), 1, 2, 3, 0)); // [N, H, L, S]
        var weights = Softmax(mask is null ? scores : scores + mask, -1);
        var mixed = Transpose(MatMul(weights, Transpose(PerHead(v), 1, 2, 0, 3)), 2, 0, 1, 3); // [L, N, H, D]
        var output = Affine(
            Reshape(mixed, query.Shape), lowering.Parameter(layer, $"{prefix}out_proj.weight"), lowering.FindParameter(layer, $"{prefix}out_proj.bias"));
        return [output, ReduceMean(weights, [1])];
    }

    private static (Value Query, Value Key, Value Value) InputProjections(ModuleLowering lowering, Module layer, string prefix)
    {
        if (lowering.FindParameter(layer, $"{prefix}in_proj_weight") is { } stacked)
        {
            var parts = Split(stacked, 0, 3);
            return (parts[0], parts[1], parts[2]);
        }

        Value Projection(string name) => lowering.Parameter(layer, $"{prefix}{name}_proj_weight");
        return (Projection("q"), Projection("k"), Projection("v"));
    }

    // The original form of the block (post-norm), which normalizes after each sum.
    private static Value EncodeBlock(ModuleLowering lowering, Module layer, string prefix, NativeSettings settings, Value x, Value? mask)
    {
        Value Dense(string name, Value y) =>
            Affine(y, lowering.Parameter(layer, $"{prefix}{name}.weight"), lowering.FindParameter(layer, $"{prefix}{name}.bias"));
        Value Norm(string name, Value y) => LayerNormalized(
            y, 1, TransformerEpsilon, lowering.Parameter(layer, $"{prefix}{name}.weight"), lowering.Parameter(layer, $"{prefix}{name}.bias"));

        var attended = Attend(lowering, layer, $"{prefix}self_attn.", settings.Heads, x, x, x, mask)[0];
        x = Norm("norm1", x + attended);
        var hidden = Dense("linear1", x);
        return Norm("norm2", x + Dense("linear2", settings.IsGelu ? Gelu(hidden) : Relu(hidden)));
    }

    private static Value Encode(ModuleLowering lowering, TransformerEncoder encoder, Value x, Value? mask)
    {
        var settings = NativeSettings.Of(encoder, lowering);
        for (int i = 0; lowering.FindParameter(encoder, $"layers.{i}.linear1.weight") is not null; i++)
        {
            x = EncodeBlock(lowering, encoder, $"layers.{i}.", settings, x, mask);
        }

        return x;
    }
}
