using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using TorchSharp;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;
using static TorchSharp.torch.nn;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Tests.Networks;

/// <summary>A small Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929) with a class token, on TorchSharp's own encoder.</summary>
internal sealed class VisionTransformer : LayerModule, ILowerable
{
    private readonly LayerModule patches;
    private readonly Parameter token;
    private readonly Parameter positions;
    private readonly TransformerEncoder encoder;
    private readonly LayerModule head;
    private readonly long count;

    public VisionTransformer(long imageSize, long patchSize, long features, long heads, long layers, long classes)
        : base(nameof(VisionTransformer))
    {
        count = imageSize / patchSize * (imageSize / patchSize);
        patches = Sequential(Conv2d(3, features, patchSize, stride: patchSize), Flatten(2));
        token = new Parameter(0.02 * torch.randn([1, 1, features]));
        positions = new Parameter(0.02 * torch.randn([count + 1, 1, features]));
        encoder = TransformerEncoder(TransformerEncoderLayer(features, heads, 2 * features, dropout: 0, activation: torch.nn.Activations.GELU), layers);
        head = Sequential(LayerNorm(features), Linear(features, classes));
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        var sequence = patches.call(x).permute(2, 0, 1); // [N, E, T] -> [T, N, E]
        sequence = torch.cat([token.expand(1, x.shape[0], -1), sequence], 0) + positions;
        return head.call(encoder.call(sequence)[0]);
    }

    public Value Lower(ModuleLowering lowering, Value x)
    {
        var sequence = Transpose(lowering.Lower(patches, x), 2, 0, 1);
        var first = Ops.Pad(lowering.Parameter(token), axis: 0, before: 0, after: count); // the token before every sequence of the batch
        sequence = Ops.Pad(sequence, axis: 0, before: 1, after: 0) + first + lowering.Parameter(positions);
        var y = Slice(lowering.Lower(encoder, sequence), 0, 0, 1);
        return lowering.Lower(head, Reshape(y, [.. y.Shape.Skip(1)]));
    }
}
