using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;
using TorchSharp;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Training;

internal sealed class TrainerTests : FolderFixture
{
    [Test]
    public async Task Train_WithSameSeed_WritesIdenticalCheckpoints()
    {
        byte[][] first = await TrainAsync("first", seed: 1), second = await TrainAsync("second", seed: 1), other = await TrainAsync("other", seed: 2);

        Assert.That(first, Has.Length.EqualTo(3));
        Assert.That(second, Is.EqualTo(first));
        Assert.That(other[^1], Is.Not.EqualTo(first[^1]));
    }

    [Test]
    public async Task Train_StoppedAndResumed_EndsWithIdenticalStates()
    {
        byte[][] expected = await TrainAsync("whole", seed: 1);
        var package = Compile("package");
        var run = new RunFolder(Folder["parts"]);
        using var stop = new CancellationTokenSource();

        await Assert.ThatAsync(() => TrainOnceAsync(package, run, seed: 1, progress => StopAt(7, progress, stop), cancellation: stop.Token), Throws.InstanceOf<OperationCanceledException>());
        await TrainOnceAsync(package, run, seed: 1);

        Assert.That(await File.ReadAllBytesAsync(run.NewestCheckpoint()), Is.EqualTo(expected[^1]));
        Assert.That(MetricsLog.Read(run.Metrics).Select(line => (long)line["step"]!), Is.EqualTo((long[])[1, 5, 6, 10, 12, 15, 18, 20]));
    }

    [Test]
    public async Task Steps_WithoutMetrics_WriteTheSameStates_AndAllocateNothing()
    {
        var package = Compile("package");
        var program = package.Manifest.Step;
        using StateBuffers unlogged = Initial(package), logged = Initial(package);
        using ProgramRunner first = new(package, program, unlogged, threads: 2), second = new(package, program, logged, threads: 2);
        await using var pipeline = new BatchPipeline(program, new FakeImages(40, side: 8), seed: 1, firstStep: 1, lastStep: 200);
        for (int step = 1; step <= 5; step++)
        {
            var batch = pipeline.Next();
            second.Fill(batch.Images, batch.Values, batch.Labels, batch.Conditions, batch.Noise);
            second.FillSchedules(step);
            second.Run();
            Run(step, batch);
        }

        Assert.That(States(unlogged), Is.EqualTo(States(logged)));
        Assert.That(OnnxModel.Load(package.PathOf(program.FileWithoutMetrics!)).Outputs.Select(output => output.Name), Is.EquivalentTo(program.Updates.Select(ProgramSpec.NextName)));

        Assert.That(SpinWait.SpinUntil(() => pipeline.IsAhead, TimeSpan.FromMinutes(2)));
        var next = pipeline.Next();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int step = 6; step <= 55; step++)
        {
            Run(step, next);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

        void Run(int step, Batch batch)
        {
            first.Fill(batch.Images, batch.Values, batch.Labels, batch.Conditions, batch.Noise);
            first.FillSchedules(step);
            first.Run(withMetrics: false);
        }

        static StateBuffers Initial(TrainingPackage package)
        {
            var buffers = new StateBuffers(package, OnnxDevice.Cpu, package.Manifest.Step.Updates);
            buffers.Load(package.ReadInitialStates());
            return buffers;
        }

        static byte[][] States(StateBuffers buffers) => [.. buffers.Snapshot().OrderBy(state => state.Key, StringComparer.Ordinal).Select(state => state.Value.Data.ToArray())];
    }

    [Test]
    public async Task Train_WritesCheckpoints_WhileStepsGoOn()
    {
        using var reached = new ManualResetEventSlim();
        var package = Compile("package");
        var run = new RunFolder(Folder["run"]);
        var options = new TrainerOptions { Steps = 20, Seed = 1, Device = OnnxDevice.Cpu, Threads = 2, LogEvery = 5, CheckpointEvery = 6 };
        using var trainer = Trainer.Start(package, run, options);
        var written = new List<long>();

        trainer.Progressed += (_, progress) =>
        {
            if (progress.Step == 9)
            {
                reached.Set();
            }
        };
        trainer.CheckpointWritten += (_, checkpoint) =>
        {
            Assert.That(reached.Wait(TimeSpan.FromMinutes(2)), "no step was done while the first checkpoint was being written");
            written.Add(checkpoint.Step);
        };
        await trainer.TrainAsync(new FakeImages(40, side: 8));

        Assert.That(written, Is.EqualTo((long[])[6, 12, 18, 20]));
    }

    [Test]
    public async Task Train_WithNoiseStatisticsAndAverages_ResumesThemToo()
    {
        await TrainOnceAsync(CompileRegularized("whole-package"), new RunFolder(Folder["whole"]), seed: 1);
        var package = CompileRegularized("package");
        var run = new RunFolder(Folder["parts"]);
        using var stop = new CancellationTokenSource();

        await Assert.ThatAsync(() => TrainOnceAsync(package, run, seed: 1, progress => StopAt(7, progress, stop), cancellation: stop.Token), Throws.InstanceOf<OperationCanceledException>());
        await TrainOnceAsync(package, run, seed: 1);

        Assert.That(await File.ReadAllBytesAsync(run.NewestCheckpoint()), Is.EqualTo(await File.ReadAllBytesAsync(new RunFolder(Folder["whole"]).NewestCheckpoint())));
        var (initial, last) = (package.ReadInitialStates(), Checkpoint.Load(run.NewestCheckpoint(), package).States);
        Assert.That(last["encoder.2.num_batches_tracked"].As<long>()[0], Is.EqualTo(20));
        foreach (string state in (string[])["encoder.2.running_mean", "average.encoder.1.weight"])
        {
            Assert.That(last[state].Data.ToArray(), Is.Not.EqualTo(initial[state].Data.ToArray()), state);
        }

        var encoder = RunExport.Bake(package, "encoder", last);
        Assert.That(encoder.Inputs.Select(input => input.Name), Is.EqualTo((string[])["image"]));
        Assert.That(encoder.Initializers.Select(tensor => tensor.Name), Has.Member("average.encoder.1.weight").And.No.Member("encoder.1.weight"));
    }

    [Test]
    public async Task Train_OverTime_LowersTheLoss()
    {
        var losses = new List<double>();

        await TrainOnceAsync(Compile("package"), new RunFolder(Folder["run"]), seed: 1, progress => losses.Add(progress.Loss!.Value), logEvery: 1);

        Assert.That(losses.TakeLast(5).Average(), Is.Not.NaN.And.LessThan(0.8 * losses.Take(5).Average()));
    }

    [Test]
    public async Task Train_WithHugeLearningRate_StopsAndNamesTheTerms()
    {
        var package = Compile("package", learningRate: 1e30);

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(() => TrainOnceAsync(package, new RunFolder(Folder["run"]), seed: 1));

        Assert.That(error!.Message, Does.Match(
            @"^Training diverged (at step \d+|between steps \d+ and \d+): loss (NaN|∞|Infinity), distortion .*, rate .*; (the first state that is not finite is '.+'|all states are still finite)\. The last checkpoint is \d{9}\.safetensors; try a smaller learning rate, or clip the gradient\.$"));
    }

    [Test]
    public void Load_OfForeignCheckpoint_IsRefused()
    {
        var (mine, foreign) = (Compile("mine"), Compile("foreign", width: 17));
        string file = Folder["c.safetensors"];
        new Checkpoint(0, 1, foreign.Identity, foreign.ReadInitialStates()).Save(file);

        Assert.That(() => Checkpoint.Load(file, mine), Throws.TypeOf<InvalidDataException>()
            .With.Message.EqualTo($"'{file}' is of another model than the package '{mine.Folder}': resume with the package that the run was started with, or train in another folder."));
    }

    [Test]
    public async Task Checkpoints_GoOn_WithAnotherBatchAndLearningRate()
    {
        var run = new RunFolder(Folder["run"]);
        using var stop = new CancellationTokenSource();
        await Assert.ThatAsync(() => TrainOnceAsync(Compile("first"), run, seed: 1, progress => StopAt(9, progress, stop), cancellation: stop.Token), Throws.InstanceOf<OperationCanceledException>());

        var other = Compile("second", learningRate: 1e-3, batchSize: 8);
        using var trainer = Trainer.StartOrResume(other, run, new TrainerOptions { Steps = 12, Seed = 1 });

        Assert.That(trainer.Step, Is.EqualTo(9));
        await trainer.TrainAsync(new FakeImages(40, side: 8));
        Assert.That(File.Exists(run.CheckpointAt(12)));
    }

    [TestCase(10)]
    [TestCase(1000)]
    public void Load_OfTruncatedCheckpoint_IsRefused(int bytes)
    {
        var package = Compile("package");
        string file = Folder["c.safetensors"];
        new Checkpoint(0, 1, package.Identity, package.ReadInitialStates()).Save(file);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..bytes]);

        Assert.That(() => Checkpoint.Load(file, package), Throws.TypeOf<InvalidDataException>()
            .With.Message.EqualTo($"'{file}' is damaged or is not a safetensors file."));
    }

    [Test]
    public void Batches_OfWrongShape_SayWhatWasCompiled() => Assert.That(
        () => ImageRequirements.RequireFit(Compile("package").Manifest.Step, new FakeImages(10, side: 9)),
        Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "The images are 1 x 9 x 9 (channels, height, width), but the model was compiled for 1 x 8 x 8: compile it for these images, or scale them."));

    [Test]
    public async Task Batches_OfOneEpoch_HoldEveryImageOnce()
    {
        var program = Compile("package").Manifest.Step;
        await using var pipeline = new BatchPipeline(program, new FakeImages(16, side: 8), seed: 1, firstStep: 1, lastStep: 8);

        byte[] first = Epoch(), second = Epoch();

        byte[] all = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        Assert.That(first.Order(), Is.EqualTo(all));
        Assert.That(second.Order(), Is.EqualTo(all));
        Assert.That(second, Is.Not.EqualTo(first));

        byte[] Epoch() => [.. Enumerable.Range(0, 4).SelectMany(_ => pipeline.Next().Images.Chunk(64).Select(image => image[0]))];
    }

    private static void StopAt(long step, TrainingProgress progress, CancellationTokenSource stop)
    {
        if (progress.Step == step)
        {
            stop.Cancel();
        }
    }

    private TrainingPackage Compile(string name, double learningRate = 1e-2, int batchSize = 4, int width = 16)
    {
        torch.random.manual_seed(1);
        using var vae = new VaeNetworks(new MlpNetwork(width), new ExampleShape(1, 8, 8), latents: 3);
        return Write(vae, new TrainingOptions { BatchSize = batchSize, Optimizer = new Adam(new ConstantSchedule(learningRate)) }, name);
    }

    private TrainingPackage CompileRegularized(string name)
    {
        torch.random.manual_seed(1);
        using var vae = new VaeNetworks(new RegularizedNetwork(), new ExampleShape(1, 8, 8), latents: 3);
        return Write(vae, new TrainingOptions { BatchSize = 4, Optimizer = new AdamW(new ConstantSchedule(1e-2)), MaxGradientNorm = 10, WeightAveraging = 0.9 }, name);
    }

    private TrainingPackage Write(VaeNetworks vae, TrainingOptions options, string name) =>
        new PackageCompiler(new VaeModel(vae, new BernoulliLikelihood(), new BetaElbo()), options).Write(Folder[name]);

    private async Task<byte[][]> TrainAsync(string name, ulong seed)
    {
        var run = new RunFolder(Folder[name]);
        await TrainOnceAsync(Compile($"{name}-package"), run, seed);
        return [.. run.ListCheckpoints().Select(File.ReadAllBytes)];
    }

    private static async Task TrainOnceAsync(
        TrainingPackage package, RunFolder run, ulong seed, Action<TrainingProgress>? progress = null, int logEvery = 5, CancellationToken cancellation = default)
    {
        var options = new TrainerOptions { Steps = 20, Seed = seed, Device = OnnxDevice.Cpu, Threads = 2, LogEvery = logEvery, CheckpointEvery = 6 };
        using var trainer = Trainer.StartOrResume(package, run, options);
        trainer.Progressed += (_, step) => progress?.Invoke(step);
        await trainer.TrainAsync(new FakeImages(40, side: 8), cancellation: cancellation);
    }

    private sealed record RegularizedNetwork : VaeNetwork
    {
        public override string Name => "regularized";

        public override Module<Tensor, Tensor> Encoder(ExampleShape image, int latents, int parameters) => Sequential(
            Flatten(), Linear(image.Dimensions, 12), BatchNorm1d(12), ReLU(), Dropout(0.2), Linear(12, 2 * latents));

        public override Module<Tensor, Tensor> Decoder(ExampleShape image, int latents) => Sequential(
            Linear(latents, 12), ReLU(), Dropout(0.2), Linear(12, image.Dimensions), Unflatten(1, [image.Channels, image.Height, image.Width]));
    }

    // Image k is k everywhere.
    private sealed class FakeImages(long count, int side) : ImageSource
    {
        public override long Count => count;

        public override ExampleShape Shape { get; } = new(1, side, side);

        public override void Read(long index, Span<byte> pixels) => pixels.Fill((byte)index);
    }
}
