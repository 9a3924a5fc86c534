using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Inference;

/// <summary>Encoders and decoders inside an application: streams, many callers, wrong use.</summary>
internal sealed class ServingTests
{
    private static readonly ExportedModels Models = new();
    private TrainedVae vae = null!;

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();

    [SetUp]
    public void Load() => vae = TrainedVae.Load(Models.Export("mlp"));

    [TearDown]
    public void Dispose() => vae.Dispose();

    [Test]
    public void Load_FromPathBytesAndStream_GivesTheSameDecoder()
    {
        string file = Path.Combine(Models.Export("mlp"), "decoder.onnx");
        using var stream = File.OpenRead(file);
        using VaeDecoder fromPath = VaeDecoder.Load(file, new VaeOptions { WarmUp = true }), fromBytes = VaeDecoder.Load(File.ReadAllBytes(file)), fromStream = VaeDecoder.Load(stream);

        float[] expected = vae.Decoder.Generate(count: 3, seed: 1);
        Assert.That(fromPath.Generate(count: 3, seed: 1), Is.EqualTo(expected));
        Assert.That(fromBytes.Generate(count: 3, seed: 1), Is.EqualTo(expected));
        Assert.That(fromStream.Generate(count: 3, seed: 1), Is.EqualTo(expected));
    }

    [Test]
    public async Task DecodeAsync_AndEncodeAsync_GiveWhatTheOthersGive_AndReturnAtOnce()
    {
        using var conv = TrainedVae.Load(Models.Export("conv"));
        float[] latents = Numbers.StandardNormal(2000 * conv.Decoder.Metadata.LatentSize, seed: 1);

        var task = conv.Decoder.DecodeAsync(latents);
        bool isBack = !task.IsCompleted;
        float[] images = await task;

        Assert.That(isBack, "2,000 images take longer than a call");
        Assert.That(images, Is.EqualTo(conv.Decoder.Decode(latents)));
        Assert.That(await conv.Encoder.EncodeAsync(images), Is.EqualTo(conv.Encoder.Encode(images)));
        Assert.That(() => conv.Decoder.DecodeAsync(latents, new float[1]), Throws.ArgumentException);
        Assert.That(async () => await conv.Decoder.DecodeAsync(latents, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await conv.Decoder.DecodeAsync(latents.AsMemory(0, conv.Decoder.Metadata.LatentSize)), Has.Length.EqualTo(conv.Decoder.Metadata.ImageSize), "the turn was given back");
    }

    [Test]
    public async Task GenerateAsync_OfAnyRange_GivesTheSameBits()
    {
        float[] whole = await CollectAsync(vae.Decoder, ImageRange.OfFirst(700));
        using var other = VaeDecoder.Load(Path.Combine(Models.Export("mlp"), "decoder.onnx"), new VaeOptions { Threads = 3, ThreadsPerRun = 1, MaxImagesInProgress = 5 });

        Assert.That(whole, Has.Length.EqualTo(700 * 72));
        Assert.That(await CollectAsync(other, new ImageRange(123, 601)), Is.EqualTo(whole[(123 * 72)..(601 * 72)]));
        Assert.That(vae.Decoder.Generate(count: 5, seed: 3, first: 200), Is.EqualTo(whole[(200 * 72)..(205 * 72)]).Within(1e-6));

        static async Task<float[]> CollectAsync(VaeDecoder decoder, ImageRange range)
        {
            var images = new List<float>();
            long next = range.First;
            await foreach (var block in decoder.GenerateAsync(range, seed: 3))
            {
                Assert.That(block.First, Is.EqualTo(next));
                images.AddRange(block.Images);
                next += block.Images.Length / 72;
            }

            return [.. images];
        }
    }

    [Test]
    public async Task EncodeAndReconstructAsync_AgreeWithTheirShortForms()
    {
        var images = vae.Decoder.Generate(count: 600, seed: 2);
        var (mean, logVar) = vae.Encoder.Encode(images);
        var reconstructions = vae.Reconstruct(images);
        var encoded = new List<(float[] Mean, float[] LogVar)>();
        var streamed = new List<float>();

        await foreach (var part in vae.Encoder.EncodeAsync(new ImageRange(100, 600), Read, (_, m, v) => (m.ToArray(), v.ToArray())))
        {
            encoded.Add(part);
        }

        await foreach (float[] part in vae.ReconstructAsync(new ImageRange(100, 600), Read, (_, y) => y.ToArray()))
        {
            streamed.AddRange(part);
        }

        Assert.That(encoded.SelectMany(part => part.Mean), Is.EqualTo(mean[500..]).Within(1e-5));
        Assert.That(encoded.SelectMany(part => part.LogVar), Is.EqualTo(logVar[500..]).Within(1e-5));
        Assert.That(streamed, Is.EqualTo(reconstructions[(100 * 72)..]).Within(1e-5));

        void Read(long first, Span<float> target) => images.AsSpan((int)first * 72, target.Length).CopyTo(target);
    }

    [Test]
    public void GenerateAsync_Cancelled_Ends()
    {
        using var cancellation = new CancellationTokenSource();

        Assert.That(
            async () =>
            {
                await foreach (var block in vae.Decoder.GenerateAsync(ImageRange.OfFirst(long.MaxValue / 2), seed: 1, cancellation: cancellation.Token))
                {
                    if (block.First > 5000)
                    {
                        await cancellation.CancelAsync();
                    }
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
        Assert.That(vae.Decoder.Generate(count: 1, seed: 1), Has.Length.EqualTo(72), "the decoder goes on working");
    }

    [Test]
    public async Task EncodeAsync_OfReaderThatFails_PassesTheErrorOn()
    {
        var stream = vae.Encoder.EncodeAsync<int>(ImageRange.OfFirst(10_000), (first, _) => throw new IOException($"no image {first}"), (_, _, _) => 0).GetAsyncEnumerator();

        Assert.That(async () => await stream.MoveNextAsync(), Throws.TypeOf<IOException>().With.Message.EqualTo("no image 0"));
        await stream.DisposeAsync();
    }

    [Test]
    public void Decode_To64Callers_GivesEachTheRightImages()
    {
        float[][] expected = [.. Enumerable.Range(0, 64).Select(caller => vae.Decoder.Generate(count: 3, seed: (ulong)caller))];
        var wrong = new ConcurrentBag<int>();
        Thread[] callers = [.. Enumerable.Range(0, 64).Select(caller => new Thread(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                if (!vae.Decoder.Generate(count: 3, seed: (ulong)caller).AsSpan().SequenceEqual(expected[caller]))
                {
                    wrong.Add(caller);
                }
            }
        }))];

        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());

        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void Decode_ToPixels_RoundsTheImages()
    {
        float[] z = Numbers.StandardNormal(7 * 5, 1);
        byte[] pixels = new byte[7 * 72];

        vae.Decoder.Decode(z, pixels);

        Assert.That(pixels, Is.EqualTo(vae.Decoder.Decode(z).Select(value => (byte)Math.Round(value * 255, MidpointRounding.AwayFromZero))));
    }

    [TestCase(-0.5f, 0)]
    [TestCase(0f, 0)]
    [TestCase(0.4999f / 255, 0)]
    [TestCase(0.5001f / 255, 1)]
    [TestCase(1f, 255)]
    [TestCase(1.7f, 255)]
    public void ToBytes_RoundsAndClamps_InLongAndShortSpans(float value, int expected)
    {
        foreach (int length in (int[])[1, 300])
        {
            var pixels = new byte[length];
            Pixels.ToBytes(Enumerable.Repeat(value, length).ToArray(), pixels);
            Assert.That(pixels, Has.All.EqualTo(expected));
        }
    }

    [Test]
    public void Encode_OfPixels_IsThatOfTheirValues()
    {
        var pixels = new byte[4 * 72];
        new Random(1).NextBytes(pixels);

        var (mean, logVar) = vae.Encoder.Encode(pixels);

        var expected = vae.Encoder.Encode(pixels.Select(pixel => pixel / 255f).ToArray());
        Assert.That(mean, Is.EqualTo(expected.Mean).Within(1e-5));
        Assert.That(logVar, Is.EqualTo(expected.LogVar).Within(1e-5));
    }

    [Test]
    public void Sample_OfImageK_DependsOnSeedAndKAlone()
    {
        float[] images = vae.Decoder.Generate(count: 6, seed: 1), all = vae.Encoder.Sample(images, seed: 5);

        Assert.That(vae.Encoder.Sample(images.AsSpan(4 * 72), seed: 5, first: 4), Is.EqualTo(all[20..]).Within(1e-5));
        Assert.That(vae.Encoder.Sample(images, seed: 6), Is.Not.EqualTo(all).Within(1e-2));
    }

    [TestCase(LatentPathKind.Spherical)]
    [TestCase(LatentPathKind.Linear)]
    public void Interpolate_BeginsAndEndsWithTheReconstructions(LatentPathKind path)
    {
        float[] images = vae.Decoder.Generate(count: 2, seed: 1), ends = vae.Reconstruct(images);

        float[] between = vae.Interpolate(images.AsSpan(0, 72), images.AsSpan(72), steps: 5, path);

        Assert.That(between, Has.Length.EqualTo(5 * 72));
        Assert.That(between[..72], Is.EqualTo(ends[..72]).Within(1e-5));
        Assert.That(between[^72..], Is.EqualTo(ends[72..]).Within(1e-5));
    }

    [Test]
    public void Runs_AreObserved()
    {
        var activities = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == VaeTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Add,
        };
        ActivitySource.AddActivityListener(listener);
        long images = 0;
        using var meters = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Name == "onnxvae.images") { l.EnableMeasurementEvents(instrument); } } };
        meters.SetMeasurementEventCallback<long>((_, count, tags, _) => Interlocked.Add(ref images, tags.ToArray().Contains(new("onnxvae.kind", "decoder")) ? count : 0));
        meters.Start();
        using var parent = new Activity("test").Start();

        vae.Decoder.Generate(count: 7, seed: 1);

        Assert.That(images, Is.GreaterThanOrEqualTo(7));
        Assert.That(
            activities.Single(activity => activity.ParentId == parent.Id).TagObjects,
            Is.EquivalentTo((KeyValuePair<string, object?>[])[new("onnxvae.kind", "decoder"), new("onnxvae.device", "cpu"), new("onnxvae.images", 7)]));
    }

    [Test]
    public void Decode_AfterDispose_SaysSo()
    {
        vae.Dispose();
        vae.Dispose();

        Assert.That(
            () => vae.Decoder.Decode(new float[5]),
            Throws.TypeOf<ObjectDisposedException>().With.Message.StartsWith("The decoder was disposed: keep it as long as it is used."));
    }

    [Test]
    public void Dispose_WaitsForCallersAndRefusesLaterOnes()
    {
        var decoder = VaeDecoder.Load(Path.Combine(Models.Export("mlp"), "decoder.onnx"));
        var outcomes = new ConcurrentBag<string>();
        using var running = new CountdownEvent(8);
        Thread[] callers = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() =>
        {
            try
            {
                decoder.Generate(count: 100, seed: 1);
                running.Signal();
                while (true)
                {
                    decoder.Generate(count: 100, seed: 1);
                }
            }
            catch (Exception e)
            {
                outcomes.Add(e.GetType().Name);
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        running.Wait();

        decoder.Dispose();
        Array.ForEach(callers, caller => caller.Join());

        Assert.That(outcomes, Has.Count.EqualTo(8).And.All.EqualTo(nameof(ObjectDisposedException)));
    }

    [Test]
    public void Encode_OfImageOfAnotherSize_SaysWhatWasExpected() => Assert.That(
        () => vae.Encoder.Encode(new float[28 * 28]),
        Throws.ArgumentException.With.Message.StartsWith("There are 784 numbers in images; expected one or more images of 1 x 9 x 8 = 72."));

    [TestCase(200f, "Value 3 of image 1 is 200; pixels go from 0 to 1: divide bytes by 255 or give them as bytes, and bring other ranges to this one.")]
    [TestCase(-1f, "Value 3 of image 1 is -1; pixels go from 0 to 1: divide bytes by 255 or give them as bytes, and bring other ranges to this one.")]
    [TestCase(1.002f, "Value 3 of image 1 is 1.002; pixels go from 0 to 1: divide bytes by 255 or give them as bytes, and bring other ranges to this one.")]
    [TestCase(float.NaN, "Value 3 of image 1 is NaN; pixels go from 0 to 1: divide bytes by 255 or give them as bytes, and bring other ranges to this one.")]
    public void Encode_OfWhatAreNoPixels_SaysSo(float value, string message)
    {
        var images = new float[144];
        images[75] = value;

        Assert.That(() => vae.Encoder.Encode(images), Throws.ArgumentException.With.Message.StartsWith(message));
    }

    [TestCase(-0.0009f)]
    [TestCase(1.0009f)]
    public void Encode_OfWhatADecoderOvershoots_TakesIt(float value) =>
        Assert.That(vae.Encoder.Encode([.. Enumerable.Repeat(value, 72)]).Mean, Has.Length.EqualTo(5));

    [Test]
    public void Decode_IntoWrongRoom_SaysHowMuchIsNeeded() => Assert.That(
        () => vae.Decoder.Decode(new float[10], new float[100]),
        Throws.ArgumentException.With.Message.StartsWith("There is room for 100 numbers in images; 2 of 72 need 144."));

    [Test]
    public void Load_OfDecoderAsEncoder_IsRefused() => Assert.That(
        () => VaeEncoder.Load(Path.Combine(Models.Export("mlp"), "decoder.onnx")),
        Throws.TypeOf<InvalidDataException>().With.Message.EndsWith(" is a decoder; expected an encoder. Give the encoder.onnx that was exported with it."));

    [Test]
    public void Load_OfFilesOfTwoModels_IsRefused()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(Models.Export("mlp"), "encoder.onnx"), folder["encoder.onnx"]);
        File.Copy(Path.Combine(Models.Export("conv"), "decoder.onnx"), folder["decoder.onnx"]);

        Assert.That(
            () => TrainedVae.Load(folder.Path),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                $"Encoder and decoder in '{folder.Path}' belong to different models: 5 latents of 1 x 9 x 8, and 4 of 3 x 18 x 17. Export both from one run."));
    }

    [Test]
    public void Load_OfTruncatedFile_SaysSo()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Models.Export("mlp"), "decoder.onnx"));

        Assert.That(
            () => VaeDecoder.Load(whole[..(whole.Length / 2)]),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("The model cannot be loaded as an ONNX model: "));
    }

    [Test]
    public void Load_OfNameWithSpacesAndLetters_Works()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(Models.Export("mlp"), "decoder.onnx"), folder["mein Größter 解码器.onnx"]);

        using var decoder = VaeDecoder.Load(folder["mein Größter 解码器.onnx"]);

        Assert.That(decoder.Generate(count: 2, seed: 1), Is.EqualTo(vae.Decoder.Generate(count: 2, seed: 1)));
    }

    [Test]
    public void RegisterLibrary_OfWhatIsNone_SaysSo()
    {
        Assert.That(() => OnnxDevice.RegisterLibrary("/nowhere/libprovider.so"), Throws.TypeOf<FileNotFoundException>().With.Message.EqualTo("There is no execution provider library '/nowhere/libprovider.so'."));
        string notOne = typeof(VaeDecoder).Assembly.Location;
        Assert.That(() => OnnxDevice.RegisterLibrary(notOne), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{notOne}' is not an execution provider for this ONNX Runtime: "));
    }
}
