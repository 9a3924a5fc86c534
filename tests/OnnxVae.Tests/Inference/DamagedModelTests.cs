using System.Buffers.Binary;
using System.Collections.Concurrent;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Inference;

/// <summary>Files that say of themselves what is not so, weights that are not numbers, and sessions that are disposed while they are in use.</summary>
internal sealed class DamagedModelTests : FolderFixture
{
    private readonly ExportedModels models = new();

    [OneTimeTearDown]
    public void DeleteModels() => models.Dispose();

    [TestCase("onnxvae.imagesAtATime", "0", "onnxvae.imagesAtATime is '0'; expected a positive number. Export the file again.")]
    [TestCase("onnxvae.latentSize", "five", "onnxvae.latentSize is 'five'; expected a positive number. Export the file again.")]
    [TestCase("onnxvae.latentSize", "99999999999", "onnxvae.latentSize is '99999999999'; expected a positive number. Export the file again.")]
    [TestCase("onnxvae.imageShape", "1,2,3,4,5", "onnxvae.imageShape is '1,2,3,4,5'; expected the number of channels, and up to three sides after it. Export the file again.")]
    [TestCase("onnxvae.imageShape", "65536,65536,8", "onnxvae.imageShape is '65536,65536,8'; expected a size that fits into memory. Export the file again.")]
    [TestCase("onnxvae.imageShape", "1,0,8", "onnxvae.imageShape is '0'; expected a positive number. Export the file again.")]
    [TestCase("onnxvae.codes", "16:2x2", "onnxvae.codes is '16:2x2'; expected grids of 5 codes in all. Export the file again.")]
    [TestCase("onnxvae.codes", "16", "onnxvae.codes is '16'; expected codes:rowsxcolumns, with commas between levels. Export the file again.")]
    public void Load_OfDamagedMetadata_NamesTheEntry(string entry, string value, string message) => Assert.That(
        () => VaeDecoder.Load(WithEntry("decoder.onnx", entry, value)),
        Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"'{Folder["decoder.onnx"]}' has damaged metadata: {message}"));

    [TestCase("decoder.onnx", "onnxvae.latentSize", "7", "is damaged: a decoder of 7 latents and examples of 1 x 9 x 8 has an input 'z' of Float32 [N, 7], but the graph has 'z' of Float [-1, 5]. Export the file again.")]
    [TestCase("decoder.onnx", "onnxvae.imageShape", "1,8,9", "is damaged: a decoder of 5 latents and examples of 1 x 8 x 9 has an output 'image' of Float32 [N, 1, 8, 9], but the graph has 'image' of Float [-1, 1, 9, 8]. Export the file again.")]
    [TestCase("encoder.onnx", "onnxvae.kind", "decoder", "is damaged: a decoder of 5 latents")]
    public void Load_OfMetadataThatTheGraphContradicts_ComparesThem(string file, string entry, string value, string message) => Assert.That(
        () => VaeDecoder.Load(WithEntry(file, entry, value)),
        Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder[file]}' {message}"));

    // What a changed shape leaves: ONNX Runtime loads it, and finds out as it runs.
    [Test]
    public void Run_OfAGraphWhoseShapesDoNotFit_NamesTheFile()
    {
        var model = OnnxModel.Load(Path.Combine(models.Export("mlp"), "decoder.onnx"));
        var shape = model.Proto.Graph.Initializer.Single(tensor => tensor.DataType == 7 && tensor.Dims is [4]);
        byte[] dimensions = shape.RawData.ToByteArray();
        BinaryPrimitives.WriteInt64LittleEndian(dimensions, 2);
        shape.RawData = Google.Protobuf.ByteString.CopyFrom(dimensions);
        model.Save(Folder["decoder.onnx"]);

        Assert.That(
            () =>
            {
                using var decoder = VaeDecoder.Load(Folder["decoder.onnx"]);
                decoder.Generate(count: 3, seed: 1);
            },
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder["decoder.onnx"]}' cannot be run: "));
    }

    [Test]
    public void Run_OfWeightsThatAreNotNumbers_SaysSo([Values("decoder", "encoder")] string role)
    {
        using var test = new TestVae("mlp", "bernoulli");
        var states = test.States.Snapshot().ToDictionary();
        foreach (string name in (string[])["decoder.0.bias", "encoder.1.bias"])
        {
            float[] values = states[name].As<float>().ToArray();
            values[0] = float.NaN;
            states[name] = Tensor.From<float>(states[name].Shape, values);
        }

        byte[] model = test.Package.ReadDeployable(role).Bake(states).ToBytes();

        Assert.That(
            () =>
            {
                using var loaded = role == "decoder" ? (IDisposable)VaeDecoder.Load(model) : VaeEncoder.Load(model);
                _ = loaded is VaeDecoder decoder ? decoder.Decode(new float[10]) : ((VaeEncoder)loaded).Encode(new float[72]).Mean;
            },
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"The {role} gives NaN in row 0: its weights are not finite"));
        Assert.That(
            () => RunExport.Write(test.Package, states, Folder["export"]),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("The state 'decoder.0.bias' has NaN at position 0: the training has diverged. Export an earlier checkpoint."));
        Assert.That(Directory.Exists(Folder["export"]) && Directory.EnumerateFiles(Folder["export"]).Any(), Is.False);
    }

    [Test]
    public void Export_WithoutAState_NamesIt()
    {
        using var test = new TestVae("mlp", "bernoulli");
        var states = test.States.Snapshot().ToDictionary();
        states.Remove("decoder.0.bias");

        Assert.That(
            () => RunExport.Write(test.Package, states, Folder["export"]),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("its state 'decoder.0.bias' is missing, expected Float32 [16]"));
    }

    // What one of them freed while the other still waited for runs was in use.
    [Test]
    public void Dispose_ByTwoAtOnce_WaitsForTheRuns()
    {
        string file = Path.Combine(models.Export("mlp"), "decoder.onnx");
        for (int round = 0; round < 20; round++)
        {
            var decoder = VaeDecoder.Load(file);
            var unexpected = new ConcurrentBag<Exception>();
            using var running = new CountdownEvent(3);
            Thread[] callers = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
            {
                try
                {
                    decoder.Generate(count: 50, seed: 1);
                    running.Signal();
                    while (true)
                    {
                        decoder.Generate(count: 50, seed: 1);
                    }
                }
                catch (ObjectDisposedException)
                {
                    // As expected.
                }
                catch (Exception e)
                {
                    unexpected.Add(e);
                }
            }))];
            Array.ForEach(callers, caller => caller.Start());
            running.Wait();

            Parallel.Invoke(decoder.Dispose, decoder.Dispose, decoder.Dispose);
            Array.ForEach(callers, caller => caller.Join());

            Assert.That(unexpected, Is.Empty);
        }
    }

    [Test]
    public void CreateSessionOptions_OfUnknownDevice_SaysWhatThereIs() => Assert.That(
        () => new OnnxDevice("tpu").CreateSessionOptions(),
        Throws.ArgumentException.With.Message.StartsWith("Device 'tpu' is not available: this ONNX Runtime has "));

    [Test]
    public void CreateSessionOptions_OfTooManyThreads_SaysHowManyThereMayBe() => Assert.That(
        () => OnnxDevice.Cpu.CreateSessionOptions(OnnxDevice.MostThreads + 1),
        Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.Contain($"this machine allows at most {OnnxDevice.MostThreads}, or 0 for one per logical processor: choose fewer."));

    private string WithEntry(string file, string entry, string value)
    {
        var model = OnnxModel.Load(Path.Combine(models.Export("mlp"), file));
        model.WithMetadata(model.Metadata.SetItem(entry, value)).Save(Folder[file]);
        return Folder[file];
    }
}
