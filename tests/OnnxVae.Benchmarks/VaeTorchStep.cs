using OnnxVae.Models.Vae;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace OnnxVae.Benchmarks;

/// <summary>The training step of a VAE in TorchSharp.</summary>
internal sealed class VaeTorchStep : TorchStep
{
    private readonly VaeNetworks vae;
    private readonly nn.Module<Tensor, Tensor> decoder;
    private readonly optim.Optimizer optimizer;
    private readonly Tensor images;

    public VaeTorchStep(BenchmarkModel model)
    {
        vae = model.Build();
        decoder = nn.Sequential(((Sequential)vae.Decoder).children().Select(layer => layer is Conv2d convolution ? new WholeBlocks(convolution) : (nn.Module<Tensor, Tensor>)layer));
        optimizer = optim.Adam(vae.parameters(), StepModel.LearningRate);
        images = model.TorchImages();
    }

    public override float Run(IReadOnlyDictionary<string, float[]> noise)
    {
        using var scope = NewDisposeScope();
        var y = images.to(float32) / 255f;
        var eps = tensor(noise["eps"]).reshape(images.shape[0], vae.Latents);
        var encoded = vae.Encoder.call(y);
        var (mean, logVar) = (encoded.narrow(1, 0, vae.Latents), encoded.narrow(1, vae.Latents, vae.Latents));
        var output = decoder.call(mean + ((0.5 * logVar).exp() * eps));
        var distortion = nn.functional.binary_cross_entropy_with_logits(output, y, reduction: nn.Reduction.Sum);
        var rate = -0.5 * (1 + logVar - mean.square() - logVar.exp()).sum();
        var loss = (distortion + rate) / images.shape[0];
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        return loss.item<float>();
    }

    public override void Dispose()
    {
        images.Dispose();
        optimizer.Dispose();
        vae.Dispose();
    }

    // oneDNN, which libtorch 2.10 takes for convolutions, computes 16 channels at a time and has been seen to leave the missing ones
    // of an input gradient undefined, on a virtual processor that reports no caches. Here they are zeros, which it computes
    // anyway; the copies that this takes are small.
    private sealed class WholeBlocks(Conv2d layer) : nn.Module<Tensor, Tensor>(layer.GetName())
    {
        private const long BlockChannels = 16;

        public override Tensor forward(Tensor x)
        {
            long channels = layer.weight.shape[0], missing = (BlockChannels - (channels % BlockChannels)) % BlockChannels;
            if (missing == 0)
            {
                return layer.call(x);
            }

            using var scope = NewDisposeScope();
            var (weight, bias) = (nn.functional.pad(layer.weight, [0, 0, 0, 0, 0, 0, 0, missing]), nn.functional.pad(layer.bias!, [0, missing]));
            return nn.functional.conv2d(x, weight, bias, layer.stride, layer.padding).narrow(1, 0, channels).MoveToOuterDisposeScope();
        }
    }
}
