using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Exporters;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests;

/// <summary>The files that are written for the same models stay the same from change to change, but for names; where they are to change, the list does.</summary>
internal sealed class EmittedGraphsTests : FolderFixture
{
    private static readonly string[] Compilations =
    [
        "--model mlp --hidden 400 --latent 20 --batch 128 --image-size 28",
        "--model conv --batch 64",
        "--model residual --batch 16 --latent 32 --image-size 32 --channels 3",
        "--model conv --batch 8 --image-size 32 --channels 3 --precise",
        "--model linear --batch 8 --image-size 16 --likelihood gaussian-optimal",
        "--model vqvae --batch 8 --image-size 32",
        "--model vqvae2 --batch 8 --image-size 32 --channels 3",
        "--model vqvae --batch 8 --image-size 16 --quantizer finite-scalar",
        "--model vqvae --batch 8 --image-size 16 --quantizer gradient",
        "--model mlp --batch 8 --image-size 16 --likelihood gaussian --prior gaussian",
        "--model mlp --batch 8 --image-size 16 --likelihood gaussian-learned --prior vamp --pseudo-images 7",
        "--model mlp --batch 8 --image-size 16 --likelihood continuous-bernoulli --beta 4 --beta-warm-up 10",
        "--model mlp --batch 8 --image-size 16 --likelihood discretized-logistic --samples 3",
        "--model mlp --batch 8 --image-size 16 --pixels sampled --free-bits 0.1",
        "--model mlp --batch 8 --image-size 16 --pixels threshold --capacity 5",
        "--model conv --batch 8 --image-size 32 --likelihood squared-error --rounded",
        "--model conv --batch 8 --image-size 32 --likelihood dissimilarity --rounded",
        "--model mlp --batch 8 --image-size 16 --likelihood absolute-error",
    ];

    private static string Baseline => Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures/emitted_graphs.tsv");

    [Test]
    public void Graphs_AreThoseOfTheList()
    {
        string[] actual = [.. Packages().Concat(ConvOfManyChannels()).Concat(Layers()).Concat(Networks()).Select(entry => $"{entry.Name}\t{CanonicalGraph.HashOf(entry.Model)}")];

        string[] expected = File.ReadAllLines(Baseline);
        if (!actual.SequenceEqual(expected))
        {
            string written = Path.Combine(Path.GetTempPath(), Path.GetFileName(Baseline));
            File.WriteAllLines(written, actual);
            Assert.Fail($"Other graphs are written for: {string.Join(", ", actual.Except(expected).Concat(expected.Except(actual)).Select(line => line.Split('\t')[0]).Distinct())}. If they are meant to be, replace {Baseline} by {written}.");
        }
    }

    private IEnumerable<(string Name, OnnxModel Model)> Packages()
    {
        foreach (var (options, i) in Compilations.Select((options, i) => (options, i)))
        {
            Support.Cli.Succeed(["compile", "--data", "sprites", .. options.Split(' '), "--out", Folder[$"{i}"]]);
            foreach (string file in Directory.EnumerateFiles(Folder[$"{i}"], "*.onnx").Order(StringComparer.Ordinal))
            {
                yield return ($"compile {options}: {Path.GetFileName(file)}", OnnxModel.Load(file));
            }
        }
    }

    private static IEnumerable<(string Name, OnnxModel Model)> ConvOfManyChannels()
    {
        torch.random.manual_seed(1);
        using var vae = new VaeNetworks(new ConvNetwork { Channels = [64, 128, 256, 512] }, new ExampleShape(3, 64, 64), latents: 64);
        var compiler = new PackageCompiler(new VaeModel(vae, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = 32, Optimizer = new Adam(new ConstantSchedule(1e-3)) });
        yield return ("conv of many channels", compiler.Step().Compile().Model);
    }

    private static IEnumerable<(string Name, OnnxModel Model)> Layers()
    {
        foreach (var row in LayerRows.All)
        {
            using var layer = row.Make();
            yield return ($"layer {row}", OnnxExporter.Build(layer, row.ModelInputs));
        }
    }

    private static IEnumerable<(string Name, OnnxModel Model)> Networks()
    {
        foreach (var row in NetworksTests.Rows)
        {
            torch.random.manual_seed(3);
            using var network = row.Build();
            var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [Shape.Batch, .. row.Input])]);
            yield return ($"network {row}", model);
            yield return ($"network {row}, fast", OnnxGraph.Read(model).ToModel(CompilationTarget.Deployment with { Provider = "cpu" }));
        }
    }
}
