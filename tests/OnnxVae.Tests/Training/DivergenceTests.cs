using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Tests.Training;

/// <summary>Numbers that are not finite are found within one log interval, and the checkpoints that remain are good ones.</summary>
internal sealed class DivergenceTests : FolderFixture
{
    // From step 8 on, the learning rate is infinite.
    [Test]
    public async Task Parameter_ThatIsNotFinite_IsFoundAtTheNextLogLine()
    {
        var package = Compile(new ChangedSchedule(new ConstantSchedule(1e-3), 7, new ConstantSchedule(double.MaxValue)));
        var run = new RunFolder(Folder["run"]);
        using var trainer = Trainer.Start(package, run, new TrainerOptions { Steps = 100, Threads = 1, LogEvery = 5, CheckpointEvery = 3 });

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(() => trainer.TrainAsync(new Blank()));

        Assert.That(error!.Message, Does.Match(@"^Training diverged between steps 7 and 9: loss .*; the first state that is not finite is '.+'\. The last checkpoint is 000000006\.safetensors; "));
        Assert.That(StateBuffers.FirstNotFinite(run.LoadNewest(package).Checkpoint.States), Is.Null);
    }

    [Test]
    public void FirstParameterNotFinite_NamesIt()
    {
        var package = Compile(new ConstantSchedule(1e-3));
        var initial = package.ReadInitialStates().ToDictionary();
        using var states = new StateBuffers(package, OnnxDevice.Cpu, package.Manifest.Step.Updates);
        states.Load(initial);
        Assert.That(states.FirstParameterNotFinite(), Is.Null);

        initial["decoder.0.bias"] = Tensor.From<float>([5], 0, 1, float.PositiveInfinity, 0, 0);
        states.Load(initial);
        Assert.That(states.FirstParameterNotFinite(), Is.EqualTo("decoder.0.bias"));
    }

    [Test]
    public async Task Progress_BeforeTheFirstLogLine_HasNoLoss()
    {
        var run = new RunFolder(Folder["run"]);
        var package = Compile(new ConstantSchedule(1e-3));
        var reports = new List<TrainingProgress>();
        var logged = new List<LoggedStep>();
        using (var trainer = Trainer.Start(package, run, new TrainerOptions { Steps = 4, Threads = 1, LogEvery = 2 }))
        {
            await trainer.TrainAsync(new Blank());
        }

        File.Delete(run.Metrics);
        using var again = Trainer.StartOrResume(package, run, new TrainerOptions { Steps = 8, Threads = 1, LogEvery = 3 });
        again.Progressed += (_, progress) => reports.Add(progress);
        again.Logged += (_, line) => logged.Add(line);
        await again.TrainAsync(new Blank());

        Assert.That(reports.Select(report => report.Loss is null), Is.EqualTo((bool[])[true, false, false, false]));
        Assert.That(logged.Select(line => line.Step), Is.EqualTo((long[])[6, 8]));
        Assert.That(logged[1].Values["loss"], Is.EqualTo(reports[^1].Loss).Within(1e-5).Percent);
    }

    [Test]
    public async Task CancelledTask_IsCancelled_AndACheckpointIsWritten()
    {
        var run = new RunFolder(Folder["run"]);
        using var cancellation = new CancellationTokenSource();
        using var trainer = Trainer.Start(Compile(new ConstantSchedule(1e-3)), run, new TrainerOptions { Steps = 1000, Threads = 1 });
        trainer.Progressed += (_, progress) =>
        {
            if (progress.Step == 3)
            {
                cancellation.Cancel();
            }
        };

        var training = trainer.TrainAsync(new Blank(), cancellation: cancellation.Token);

        await Assert.ThatAsync(() => training, Throws.InstanceOf<OperationCanceledException>().With.Message.EqualTo("Training was stopped at step 3 of 1000; a checkpoint is written."));
        Assert.That(training.IsCanceled);
        Assert.That(run.NewestStep, Is.EqualTo(3));
    }

    private TrainingPackage Compile(Schedule learningRate)
    {
        using var networks = new VaeNetworks(new MlpNetwork(5), new ExampleShape(1, 4, 4), latents: 2, seed: 1);
        return new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = 2, Optimizer = new Adam(learningRate) }).Write(Folder["package"]);
    }

    private sealed class Blank : ImageSource
    {
        public override long Count => 4;

        public override ExampleShape Shape { get; } = new(1, 4, 4);

        public override void Read(long index, Span<byte> pixels) => pixels.Fill((byte)(50 * index));
    }
}
