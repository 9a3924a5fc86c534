using OnnxVae.Exporters.Onnx;
using OnnxVae.Inference;
using OnnxVae.Models;
using TorchSharp;

namespace OnnxVae.Benchmarks;

/// <summary>An exported network in both libraries.</summary>
/// <param name="Name">The model.</param>
/// <param name="Batch">Images at a time.</param>
/// <param name="TorchSharpImagesPerSecond">By the median run of TorchSharp, without gradients.</param>
/// <param name="OnnxRuntimeImagesPerSecond">By the median run of the exported file.</param>
/// <param name="Ratio">ONNX Runtime's time over TorchSharp's.</param>
public sealed record ServingResult(string Name, int Batch, double TorchSharpImagesPerSecond, double OnnxRuntimeImagesPerSecond, double Ratio);

/// <summary>Exported encoders and decoders, as they are served, against the same networks in TorchSharp without gradients, in alternation.</summary>
internal static class ServingBenchmark
{
    private const int RunsPerBlock = 5;
    private static readonly int[] Batches = [1, 16, 256];

    /// <summary>Times decoders.</summary>
    public static IEnumerable<ServingResult> Decode(IEnumerable<BenchmarkModel> models, int threads, int blocks) => Run(models, threads, blocks, (model, vae, weights, batch) =>
    {
        var decoder = VaeDecoder.Load(weights(model.Compiler(vae).Decoder()), threads: threads);
        float[] z = Numbers(batch * model.Latents), images = new float[batch * model.Image.Dimensions];
        var torchZ = torch.tensor(z).reshape(batch, model.Latents);
        return (() => decoder.Decode(z, images), () => vae.Decoder.call(torchZ).sigmoid(), decoder);
    });

    /// <summary>Times encoders.</summary>
    public static IEnumerable<ServingResult> Encode(IEnumerable<BenchmarkModel> models, int threads, int blocks) => Run(models, threads, blocks, (model, vae, weights, batch) =>
    {
        var encoder = VaeEncoder.Load(weights(model.Compiler(vae).Encoder()), threads: threads);
        float[] images = Numbers(batch * model.Image.Dimensions), mean = new float[batch * model.Latents], logVar = new float[batch * model.Latents];
        var torchImages = torch.tensor(images).reshape(batch, model.Image.Channels, model.Image.Height, model.Image.Width);
        return (() => encoder.Encode(images, mean, logVar), () => vae.Encoder.call(torchImages), encoder);
    });

    private delegate (Action Onnx, Func<torch.Tensor> Torch, IDisposable Resource) Setup(BenchmarkModel model, GaussianVae vae, Func<OnnxModel, byte[]> weights, int batch);

    private static IEnumerable<ServingResult> Run(IEnumerable<BenchmarkModel> models, int threads, int blocks, Setup setup)
    {
        torch.set_num_threads(threads);
        foreach (var model in models)
        {
            using var vae = model.Build();
            vae.eval();
            var states = model.Compiler(vae).Step().States.ToDictionary(state => state.Spec.Name, state => state.Initial);
            foreach (int batch in Batches)
            {
                using var noGradients = torch.no_grad();
                var (onnx, torchRun, resource) = setup(model, vae, graph => graph.Bake(states).ToBytes(), batch);
                List<double> onnxTimes = [], torchTimes = [];
                for (int block = 0; block < blocks; block++)
                {
                    torchTimes.AddRange(Stopwatches.Time(() => torchRun().Dispose(), RunsPerBlock));
                    onnxTimes.AddRange(Stopwatches.Time(onnx, RunsPerBlock));
                }

                resource.Dispose();
                double onnxMedian = Stopwatches.Median(onnxTimes), torchMedian = Stopwatches.Median(torchTimes);
                yield return new ServingResult(model.Name, batch, batch * 1000 / torchMedian, batch * 1000 / onnxMedian, onnxMedian / torchMedian);
            }
        }
    }

    private static float[] Numbers(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
    }
}
