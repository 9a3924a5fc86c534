using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Tests.Devices;

/// <summary>Training on a device other than the processor, without a node that falls back.</summary>
[Category(DeviceUnderTest.Category)]
internal sealed class DeviceStepTests : FolderFixture
{
    private const double Tolerance = 1e-4; // relative
    private const int Side = 8;
    private const int Batch = 4;

    private const string Mlp = "--model mlp --hidden 16 --latent 3", Conv = "--model conv --latent 3", Residual = "--model residual --latent 3";
    private const string TwoLevels = "--model vqvae2 --width 8 --residual-width 4 --residual-blocks 1 --codes 16 --code-length 4";

    [TestCase(Mlp)]
    [TestCase(Conv)]
    [TestCase(Residual)]
    [TestCase(TwoLevels)]
    public async Task Training_IsThatOfTheProcessor_AndGoesOnThere(string model)
    {
        var package = Compile(model);
        RunFolder onDevice = new(Folder["device"]), onProcessor = new(Folder["processor"]);
        var images = new Noise();

        await TrainAsync(package, onDevice, images, DeviceUnderTest.Device, steps: 4);
        await TrainAsync(package, onProcessor, images, OnnxDevice.Cpu, steps: 6);
        double[] expected = LossesOf(onProcessor), actual = LossesOf(onDevice);
        Assert.That(actual, Is.EqualTo(expected[..4]).Within(100 * Tolerance).Percent);

        await TrainAsync(package, onDevice, images, OnnxDevice.Cpu, steps: 6);
        Assert.That(LossesOf(onDevice), Is.EqualTo(expected).Within(100 * Tolerance).Percent);

        var states = Checkpoint.Load(onDevice.NewestCheckpoint()!, package).States;
        var files = RunExport.Write(package, states, onDevice.Export);
        Assert.That(files, Has.Count.GreaterThanOrEqualTo(2));
        foreach (string file in files)
        {
            OnnxSession.Load(file, DeviceUnderTest.Device).Dispose();
        }
    }

    // Twice as many images per step, in two parts; most steps are not logged.
    [TestCase(Mlp)]
    [TestCase(TwoLevels)]
    public async Task Parts_AreThoseOfTheProcessor(string model)
    {
        var package = Compile($"{model} --split");
        RunFolder onDevice = new(Folder["device"]), onProcessor = new(Folder["processor"]);

        await TrainAsync(package, onDevice, new Noise(), DeviceUnderTest.Device, steps: 5, accumulate: 2, logEvery: 4);
        await TrainAsync(package, onProcessor, new Noise(), OnnxDevice.Cpu, steps: 5, accumulate: 2, logEvery: 4);

        Assert.That(LossesOf(onDevice), Is.EqualTo(LossesOf(onProcessor)).Within(100 * Tolerance).Percent);
    }

    [Test]
    public void Step_MovesItsInputs_AndNothingElse()
    {
        var package = Compile(Mlp);
        var program = package.Manifest.Step;
        using var states = new StateBuffers(package, DeviceUnderTest.Device, program.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = new ProgramRunner(package, program, states, threads: 1);
        string[] memories = [.. package.Manifest.States.SelectMany(state => Enumerable.Range(0, 2).Select(parity => states.Current(state.Name, parity).GetTensorMemoryInfo().Name)).Distinct()];
        Assert.That(memories, Has.Length.EqualTo(1).And.No.Member("Cpu"));
        Assert.That(OnnxSession.PlacementOf(package.PathOf(program.FileWithoutMetrics!), DeviceUnderTest.Device)!.OnProcessor, Is.Empty);
        long inputs = program.Inputs.Sum(input => input.Shape.ElementCount * input.Type.SizeInBytes());
        for (int step = 1; step <= 6; step++)
        {
            long before = states.Memory.BytesCopied;
            runner.FillNoise(seed: 1, step);
            runner.FillSchedules(step);
            runner.Run(withMetrics: false);
            Assert.That(states.Memory.BytesCopied - before, Is.EqualTo(inputs));
        }
    }

    // Where steps are replayed: on CUDA.
    [Test]
    public void Steps_ThatAreReplayed_WriteTheSameStates()
    {
        var package = Compile(Mlp);
        byte[][] logged = States(package, withMetrics: true), replayed = States(package, withMetrics: false);
        Assert.That(replayed, Is.EqualTo(logged));
    }

    [Test]
    public void Step_StartsAndEndsManyTimes()
    {
        var package = Compile(Mlp);
        byte[][][] states = [.. Enumerable.Range(0, 5).Select(_ => States(package, withMetrics: false, steps: 2))];
        Assert.That(states, Is.All.EqualTo(states[0]));
    }

    [Test]
    public void Memory_StartsAndEndsAHundredTimes()
    {
        float[] numbers = [.. Enumerable.Range(0, 1000).Select(i => i / 7f)];
        for (int i = 0; i < 100; i++)
        {
            using var memory = new DeviceMemory(DeviceUnderTest.Device);
            var buffer = memory.Allocate(TensorElementType.Float, [numbers.Length]);
            var back = new float[numbers.Length];
            memory.Upload(MemoryMarshal.AsBytes(numbers.AsSpan()), buffer);
            memory.Download(buffer, MemoryMarshal.AsBytes(back.AsSpan()));
            memory.Release(buffer);
            Assert.That(back, Is.EqualTo(numbers));
        }
    }

    [Test]
    public async Task Grids_AreDrawn_WhileStepsGoOn()
    {
        var package = Compile(Mlp);
        var run = new RunFolder(Folder["run"]);
        var images = new Noise();
        var grids = new SampleGrids(package, images, seed: 1, DeviceUnderTest.Device, threads: 1);
        using var trainer = Trainer.Start(package, run, new TrainerOptions { Steps = 12, Seed = 1, Device = DeviceUnderTest.Device, LogEvery = 4, CheckpointEvery = 2 });

        trainer.CheckpointWritten += (_, checkpoint) => grids.Write(run.Samples, checkpoint.Step, checkpoint.States);
        await trainer.TrainAsync(images);

        Assert.That(Directory.GetFiles(run.Samples, "reconstructions-*.png"), Has.Length.EqualTo(6));
    }

    [TestCase(Mlp)]
    [TestCase(TwoLevels)]
    public void Files_OfAModel_ServeOnTheDevice_WithTheSameBytesInEveryBatch(string model)
    {
        const int count = 21;
        var package = Compile(model);
        RunExport.Write(package, package.ReadInitialStates(), Folder["export"]);
        string encoderFile = Path.Combine(Folder["export"], "encoder.onnx"), decoderFile = Path.Combine(Folder["export"], "decoder.onnx");
        float[] images = [.. Numbers.StandardNormal(count * Side * Side, 1).Select(x => Math.Clamp(x, 0, 1))];
        using VaeEncoder encoder = VaeEncoder.Load(encoderFile, OnDevice), reference = VaeEncoder.Load(encoderFile);
        using VaeDecoder decoder = VaeDecoder.Load(decoderFile, OnDevice), referenceDecoder = VaeDecoder.Load(decoderFile);

        float[] latents = encoder.Encode(images).Mean, decoded = decoder.Decode(latents);

        for (int i = 0; i < count; i++)
        {
            Assert.That(encoder.Encode(Row(images, i)).Mean, Is.EqualTo(Row(latents, i).ToArray()));
            Assert.That(decoder.Decode(Row(latents, i)), Is.EqualTo(Row(decoded, i).ToArray()));
        }

        Assert.That(Numbers.RelativeError(latents, reference.Encode(images).Mean), Is.LessThan(Tolerance));
        Assert.That(Numbers.RelativeError(decoded, referenceDecoder.Decode(latents)), Is.LessThan(Tolerance));

        static ReadOnlySpan<float> Row(float[] values, int i) => values.AsSpan(i * (values.Length / count), values.Length / count);
    }

    [Test]
    public void NodeWithoutKernel_IsRefusedByName_OrFallsBack()
    {
        var x = Value.Input("x", ElementType.Float32, [3]);
        var model = GraphCompiler.Build("outside", [x], [("y", Ops.Cast(Ops.Or(Ops.Greater(x, 1f), Ops.Less(x, -1f)), ElementType.Float32))]);
        model.Save(Folder["outside.onnx"]);
        var device = DeviceUnderTest.Device;

        Assert.That(() => OnnxSession.Load(Folder["outside.onnx"], device), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["outside.onnx"]}' cannot run on {device}: it has no kernel for Or (Or). Compile the model for this device, or allow nodes to fall back to the processor."));
        using var session = OnnxSession.Load(Folder["outside.onnx"], device with { AllowsFallback = true });
        var placement = OnnxSession.PlacementOf(Folder["outside.onnx"], device)!;
        Assert.That(placement.OnProcessor, Is.EqualTo((string[])["Or (Or)"]));
        Assert.That(placement.Count, Is.EqualTo(placement.OnDevice + 1));
    }

    [Test]
    public void Train_SaysHowManyNodesRunOnTheDevice()
    {
        var package = Compile(Mlp);
        using var process = Support.Cli.Start(
            "train", "--package", package.Folder, "--data", "sprites", "--image-size", $"{Side}", "--steps", "2", "--importance-samples", "0", "--device", DeviceUnderTest.Device.Provider, "--out", Folder["run"]);
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.That(process.ExitCode, Is.Zero, errors);
        Assert.That(errors, Does.Match($"Device    {DeviceUnderTest.Device}: all [0-9]+ nodes of the step run there"));
    }

    private static VaeOptions OnDevice => new() { Device = DeviceUnderTest.Device };

    private static byte[][] States(TrainingPackage package, bool withMetrics, int steps = 8)
    {
        var program = package.Manifest.Step;
        using var states = new StateBuffers(package, DeviceUnderTest.Device, program.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = new ProgramRunner(package, program, states, threads: 1);
        for (int step = 1; step <= steps; step++)
        {
            new Random(step).NextBytes(runner.Input<byte>("images"));
            runner.FillNoise(seed: 1, step);
            runner.FillSchedules(step);
            runner.Run(withMetrics);
        }

        return [.. states.Snapshot().OrderBy(state => state.Key, StringComparer.Ordinal).Select(state => state.Value.Data.ToArray())];
    }

    private TrainingPackage Compile(string model)
    {
        string folder = Folder["package"];
        Support.Cli.Succeed(["compile", "--data", "sprites", "--image-size", $"{Side}", "--batch", $"{Batch}", "--steps", "10", "--for", DeviceUnderTest.Device.Provider, "--out", folder, .. model.Split(' ')]);
        return TrainingPackage.Open(folder);
    }

    private static async Task TrainAsync(TrainingPackage package, RunFolder folder, ImageSource images, OnnxDevice device, long steps, int accumulate = 1, int logEvery = 1)
    {
        var options = new TrainerOptions { Steps = steps, Seed = 1, Device = device, Threads = 2, LogEvery = logEvery, CheckpointEvery = 2, Accumulate = accumulate };
        using var trainer = Trainer.StartOrResume(package, folder, options);
        await trainer.TrainAsync(images);
    }

    private static double[] LossesOf(RunFolder run) => [.. MetricsLog.Read(run.Metrics).Select(line => (double)line["loss"]!)];

    /// <summary>Images of random pixels.</summary>
    private sealed class Noise : ImageSource
    {
        public override long Count => 40;

        public override ExampleShape Shape { get; } = new(1, Side, Side);

        public override void Read(long index, Span<byte> pixels) => new Random((int)index).NextBytes(pixels);
    }
}
