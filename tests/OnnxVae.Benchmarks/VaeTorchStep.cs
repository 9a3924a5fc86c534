using OnnxVae.Models;
using static TorchSharp.torch;

namespace OnnxVae.Benchmarks;

/// <summary>The training step of a VAE in TorchSharp.</summary>
internal sealed class VaeTorchStep : TorchStep
{
    private readonly Vae vae;
    private readonly optim.Optimizer optimizer;
    private readonly Tensor images;

    public VaeTorchStep(BenchmarkModel model)
    {
        vae = model.Build();
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
        var output = vae.Decoder.call(mean + ((0.5 * logVar).exp() * eps));
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
}
