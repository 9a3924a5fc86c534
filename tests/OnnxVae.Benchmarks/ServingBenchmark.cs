using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Vae;
using TorchSharp;

namespace OnnxVae.Benchmarks;

/// <summary>An exported network in both libraries.</summary>
/// <param name="Name">The model.</param>
/// <param name="Batch">Images at a time.</param>
/// <param name="TorchSharpImagesPerSecond">By the median run of TorchSharp, without gradients.</param>
/// <param name="PlainImagesPerSecond">By the median run of the file for any runtime.</param>
/// <param name="PlainRatio">Its time over TorchSharp's.</param>
/// <param name="FastImagesPerSecond">By the median run of the file for the processor.</param>
/// <param name="FastRatio">Its time over TorchSharp's.</param>
public sealed record ServingResult(
    string Name, int Batch, double TorchSharpImagesPerSecond, double PlainImagesPerSecond, double PlainRatio, double FastImagesPerSecond, double FastRatio);

/// <summary>Exported encoders and decoders, as they are served, against the same networks in TorchSharp without gradients, in alternation.</summary>
internal static class ServingBenchmark
{
    private const int RunsPerBlock = 5;
    private static readonly int[] Batches = [1, 16, 256];

    private static readonly Network Decoder = new(
        compiler => compiler.Deployable("decoder"),
        (model, file, batch, threads) =>
        {
            var decoder = VaeDecoder.Load(file, new VaeOptions { Threads = threads });
            float[] z = Numbers(batch * model.Latents), images = new float[batch * model.Image.Dimensions];
            return (() => decoder.Decode(z, images), decoder);
        },
        (model, vae, batch) =>
        {
            var z = torch.tensor(Numbers(batch * model.Latents)).reshape(batch, model.Latents);
            return () => vae.Decoder.call(z).sigmoid().Dispose();
        });

    private static readonly Network Encoder = new(
        compiler => compiler.Deployable("encoder"),
        (model, file, batch, threads) =>
        {
            var encoder = VaeEncoder.Load(file, new VaeOptions { Threads = threads });
            float[] images = Numbers(batch * model.Image.Dimensions), mean = new float[batch * model.Latents], logVar = new float[batch * model.Latents];
            return (() => encoder.Encode(images, mean, logVar), encoder);
        },
        (model, vae, batch) =>
        {
            var images = torch.tensor(Numbers(batch * model.Image.Dimensions)).reshape(batch, model.Image.Channels, model.Image.Height, model.Image.Width);
            return () => vae.Encoder.call(images).Dispose();
        });

    /// <summary>Times decoders.</summary>
    public static IEnumerable<ServingResult> Decode(IEnumerable<BenchmarkModel> models, int threads, int blocks) => Run(Decoder, models, threads, blocks);

    /// <summary>Times encoders.</summary>
    public static IEnumerable<ServingResult> Encode(IEnumerable<BenchmarkModel> models, int threads, int blocks) => Run(Encoder, models, threads, blocks);

    private static IEnumerable<ServingResult> Run(Network network, IEnumerable<BenchmarkModel> models, int threads, int blocks)
    {
        torch.set_num_threads(threads);
        foreach (var model in models)
        {
            using var vae = model.Build();
            vae.eval();
            var compiler = model.Compiler(vae);
            var graph = network.Graph(compiler);
            var states = compiler.Step().States.ToDictionary(state => state.Spec.Name, state => state.Initial);
            byte[] plainFile = graph.Bake(states).ToBytes();
            byte[] fastFile = graph.Bake(states, OnnxDevice.Cpu.Provider).ToBytes();
            foreach (int batch in Batches)
            {
                using var noGradients = torch.no_grad();
                var (plain, plainNetwork) = network.OnnxRuntime(model, plainFile, batch, threads);
                var (fast, fastNetwork) = network.OnnxRuntime(model, fastFile, batch, threads);
                var torchSharp = network.TorchSharp(model, vae, batch);
                var times = new[] { torchSharp, plain, fast }.ToDictionary(run => run, _ => new List<double>());
                for (int block = 0; block < blocks; block++)
                {
                    foreach (var (run, measured) in times)
                    {
                        measured.AddRange(Stopwatches.Time(run, RunsPerBlock));
                    }
                }

                plainNetwork.Dispose();
                fastNetwork.Dispose();
                var (torchTime, plainTime, fastTime) = (Stopwatches.Median(times[torchSharp]), Stopwatches.Median(times[plain]), Stopwatches.Median(times[fast]));
                yield return new ServingResult(
                    model.Name, batch, batch * 1000 / torchTime, batch * 1000 / plainTime, plainTime / torchTime, batch * 1000 / fastTime, fastTime / torchTime);
            }
        }
    }

    private static float[] Numbers(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
    }

    /// <summary>A half of a VAE.</summary>
    /// <param name="Graph">Its graph without weights.</param>
    /// <param name="OnnxRuntime">Loads its file, to be run on a batch.</param>
    /// <param name="TorchSharp">Makes a batch, to be run on.</param>
    private sealed record Network(
        Func<PackageCompiler, DeployableModel> Graph,
        Func<BenchmarkModel, byte[], int, int, (Action Run, IDisposable Network)> OnnxRuntime,
        Func<BenchmarkModel, VaeNetworks, int, Action> TorchSharp);
}
