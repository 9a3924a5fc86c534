using Microsoft.Extensions.DependencyInjection;
using OnnxVae.Inference;
using OnnxVae.Inference.DependencyInjection;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Inference;

/// <summary>The examples of inference/README.md, as they are printed there.</summary>
[NonParallelizable]
internal sealed class InferenceReadmeTests
{
    private static readonly ExportedModels Models = new();
    private string before = "";

    [SetUp]
    public void EnterFolder()
    {
        before = Environment.CurrentDirectory;
        string models = Models.Export("mlp");
        Environment.CurrentDirectory = models;
        Directory.CreateDirectory("export");
        Directory.CreateDirectory("other");
        foreach (string file in (string[])["encoder.onnx", "decoder.onnx", "scorer.onnx"])
        {
            File.Copy(file, Path.Combine("export", file), overwrite: true);
            File.Copy(file, Path.Combine("other", file), overwrite: true);
        }
    }

    [TearDown]
    public void LeaveFolder() => Environment.CurrentDirectory = before;

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();

    // docs/devices.md
    [Test]
    public void Example_OfADevice_NeedsTheDevice() => Assert.That(
        () =>
        {
            var device = OnnxDevice.Parse("cuda:1") with { IsPrecise = true };
            using var decoder = VaeDecoder.Load("decoder.onnx", new VaeOptions { Device = device });
        },
        Throws.Exception);

    [Test]
    public async Task Examples_Run()
    {
        using var decoder = VaeDecoder.Load("decoder.onnx");
        float[] images = decoder.Generate(count: 16, seed: 1);
        int size = decoder.Metadata.ImageSize;

        using var vae = TrainedVae.Load("export");
        var (mean, logVar) = vae.Encoder.Encode(images);
        float[] z = vae.Encoder.Sample(images, seed: 1);
        float[] reconstructions = vae.Reconstruct(images);
        float[] between = vae.Interpolate(images.AsSpan(0, size), images.AsSpan(size, size), steps: 9);

        using var scorer = VaeScorer.Load("export/scorer.onnx");
        float[] scores = scorer.Score(images);
        var all = scorer.ScoreAll(images, samples: 64, withMap: true);
        ReadOnlySpan<float> bound = all[ScoreKind.NegativeLogLikelihood], map = all.Map;
        Assert.That(scores.Length == 16 && bound.Length == 16 && map.Length == images.Length);

        Assert.That(mean.Length == logVar.Length && mean.Length == z.Length && reconstructions.Length == images.Length && between.Length == 9 * size);
        using var cancellation = new CancellationTokenSource();
        var stop = cancellation.Token;
        long saved = 0;
        try
        {
            await foreach (var block in decoder.GenerateAsync(ImageRange.OfFirst(1_000_000), seed: 1, cancellation: stop))
            {
                Save(block.First, block.Images);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.That(saved, Is.GreaterThan(2000).And.LessThan(1_000_000));
        }

        void Save(long first, float[] some)
        {
            Assert.That(first, Is.EqualTo(saved));
            saved += some.Length / size;
            if (saved > 2000)
            {
                cancellation.Cancel();
            }
        }
    }

    [Test]
    public void AbsentDevice_IsRefused() => Assert.That(
        () =>
        {
            using var gpu = VaeDecoder.Load("decoder.onnx", new VaeOptions { Device = OnnxDevice.Parse("cuda:1"), WarmUp = true });
        },
        Throws.ArgumentException.With.Message.StartsWith("Device 'cuda:1' is not available"));

    [Test]
    public void RegisterLibrary_OfMissingFile_IsRefused() => Assert.That(() => OnnxDevice.RegisterLibrary("libprovider.so"), Throws.TypeOf<FileNotFoundException>());

    [Test]
    public void Services_AreSharedAndDisposed()
    {
        var services = new ServiceCollection();
        services.AddTrainedVae("export").AddVaeDecoder("other/decoder.onnx", key: "other");
        services.AddVaeEncoder("export/encoder.onnx").AddVaeScorer("export/scorer.onnx");
        VaeDecoder decoder;
        using (var provider = services.BuildServiceProvider())
        {
            decoder = provider.GetRequiredKeyedService<VaeDecoder>("other");
            Assert.That(provider.GetRequiredKeyedService<VaeDecoder>("other"), Is.SameAs(decoder));
            Assert.That(provider.GetRequiredService<TrainedVae>().Decoder.Generate(count: 1, seed: 1), Is.EqualTo(decoder.Generate(count: 1, seed: 1)));
            Assert.That(provider.GetRequiredService<VaeEncoder>().Metadata.LatentSize, Is.EqualTo(5));
            Assert.That(provider.GetRequiredService<VaeScorer>().Metadata.LatentSize, Is.EqualTo(5));
            Assert.That(provider.GetService<VaeDecoder>(), Is.Null);
        }

        Assert.That(() => decoder.Generate(count: 1, seed: 1), Throws.TypeOf<ObjectDisposedException>());
    }
}
