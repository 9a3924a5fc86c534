using OnnxVae.Models.Quantization;
using OnnxVae.Models.VqVae;
using static TorchSharp.torch;

namespace OnnxVae.Benchmarks;

/// <summary>The training step of a VQ-VAE-2 in TorchSharp: the nearest codes by one product of matrices, moving averages, dead codes replaced.</summary>
internal sealed class VqVaeTorchStep : TorchStep
{
    private const double Commitment = 0.25, Decay = 0.99, Epsilon = 1e-5;

    private readonly VqVaeNetworks vae;
    private readonly optim.Optimizer optimizer;
    private readonly Tensor images;
    private readonly Level top = new("top"), bottom = new("bottom");

    public VqVaeTorchStep(CodesModel model)
    {
        vae = model.Build();
        optimizer = optim.Adam(vae.parameters(), StepModel.LearningRate);
        images = model.TorchImages();
    }

    public override float Run(IReadOnlyDictionary<string, float[]> noise)
    {
        using var scope = NewDisposeScope();
        var y = images.to(float32) / 255f;
        var network = vae.Top!;
        var features = vae.EncoderBottom.call(y);
        var (topVectors, topLoss) = top.Quantize(network.Vectors.call(network.Encoder.call(features)), noise);
        var (bottomVectors, bottomLoss) = bottom.Quantize(vae.VectorsBottom.call(cat([network.Decoder.call(topVectors), features], 1)), noise);
        var output = vae.Decoder.call(cat([network.Upsampling.call(topVectors), bottomVectors], 1));
        double normalizer = vae.Image.Dimensions * 0.5 * Math.Log(2 * Math.PI * CodesModel.Sigma * CodesModel.Sigma);
        var distortion = ((output - y).square().sum() / (2 * CodesModel.Sigma * CodesModel.Sigma * images.shape[0])) + normalizer;
        var loss = distortion + (0.5 * vae.Image.Dimensions * (topLoss + bottomLoss));
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
        top.Dispose();
        bottom.Dispose();
    }

    private sealed class Level : IDisposable
    {
        private readonly string name;
        private readonly Tensor vectors, counts, sums;

        public Level(string name)
        {
            var codebook = CodesModel.Codebook(name);
            this.name = name;
            (vectors, sums, counts) = (zeros(codebook.Codes, codebook.Dimension), zeros(codebook.Codes, codebook.Dimension), zeros(codebook.Codes));
        }

        public (Tensor Vectors, Tensor Loss) Quantize(Tensor z, IReadOnlyDictionary<string, float[]> noise)
        {
            var channelsLast = z.permute(0, 2, 3, 1);
            var rows = channelsLast.reshape(-1, vectors.shape[1]);
            Tensor codes, chosen;
            using (no_grad())
            {
                codes = (rows.mm(vectors.t()) - (0.5 * vectors.square().sum([1]))).argmax(1);
                chosen = vectors.index_select(0, codes);
            }

            var loss = Commitment * nn.functional.mse_loss(rows, chosen);
            var straightThrough = rows + (chosen - rows).detach();
            Update(rows.detach(), codes, tensor(noise[$"replacements.{name}"]));
            return (straightThrough.reshape(channelsLast.shape).permute(0, 3, 1, 2), loss);
        }

        public void Dispose()
        {
            vectors.Dispose();
            counts.Dispose();
            sums.Dispose();
        }

        private void Update(Tensor rows, Tensor codes, Tensor random)
        {
            using var _ = no_grad();
            var chosen = nn.functional.one_hot(codes, vectors.shape[0]).to(float32);
            counts.mul_(Decay).add_(chosen.sum([0]), alpha: 1 - Decay);
            sums.mul_(Decay).add_(chosen.t().mm(rows), alpha: 1 - Decay);
            double fairShare = (double)rows.shape[0] / vectors.shape[0];
            var isDead = counts < Codebook.DeadShare * fairShare;
            var positions = ((random + arange(vectors.shape[0])) * fairShare).floor().clamp_max(rows.shape[0] - 1).to(int64);
            counts.masked_fill_(isDead, fairShare);
            sums.copy_(where(isDead.unsqueeze(1), rows.index_select(0, positions) * fairShare, sums));
            var total = counts.sum();
            vectors.copy_(sums / ((counts + Epsilon) * (total / (total + (vectors.shape[0] * Epsilon)))).unsqueeze(1));
        }
    }
}
