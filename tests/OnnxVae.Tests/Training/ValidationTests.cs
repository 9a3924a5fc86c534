using System.Text.Json.Nodes;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;
using TorchSharp;

namespace OnnxVae.Tests.Training;

/// <summary>Validation during training: it changes nothing, finds the best step, and may end the run.</summary>
internal sealed class ValidationTests : FolderFixture
{
    private const int Steps = 40;

    private static readonly ImageSource Images = new Noise(first: 0), Held = new Noise(first: 1000);

    [Test]
    public async Task Validation_ChangesNoState_AndKeepsTheBestOne()
    {
        var package = Compile(beta: new WarmUpSchedule(0.5, 20));
        RunFolder plain = new(Folder["plain"]), validated = new(Folder["validated"]);

        await TrainAsync(package, plain, validation: null);
        await TrainAsync(package, validated, Held);

        Assert.That(await File.ReadAllBytesAsync(validated.NewestCheckpoint()), Is.EqualTo(await File.ReadAllBytesAsync(plain.NewestCheckpoint())));
        Assert.That(File.Exists(plain.Best), Is.False);
        var lines = Lines(validated);
        Assert.That(lines.Select(StepOf), Is.EqualTo((long[])[4, 8, 12, 16, 20, 24, 28, 32, 36, 40]));

        var best = lines.MinBy(LossOf)!;
        var kept = validated.LoadKept(package).Checkpoint;
        Assert.That(kept.Step, Is.EqualTo(StepOf(best)));

        // The same figures by an evaluation of their own, at the beta of the last step.
        var figures = Evaluator.Evaluate(package, kept.States, Held, new EvaluatorOptions { Seed = 1, Threads = 2 });
        Assert.That(LossOf(best), Is.EqualTo(figures.Distortion!.Value + (0.5 * figures.Rate!.Value)).Within(1e-6).Percent);
        Assert.That(MetricsLog.ValueOf(best, ValidationFigures.RateName), Is.EqualTo(figures.Rate).Within(1e-6).Percent);
    }

    [Test]
    public async Task Validation_StoppedAndResumed_EndsWithTheSameFiles()
    {
        var package = Compile(new ConstantSchedule(1));
        RunFolder whole = new(Folder["whole"]), parts = new(Folder["parts"]);
        await TrainAsync(package, whole, Held);

        foreach (int stop in (int[])[7, 13, 30])
        {
            using var cancellation = new CancellationTokenSource();
            await Assert.ThatAsync(
                () => TrainAsync(package, parts, Held, progress: progress => Cancel(progress.Step == stop, cancellation), cancellation: cancellation.Token), Throws.InstanceOf<OperationCanceledException>());
        }

        await TrainAsync(package, parts, Held);
        Assert.That(await File.ReadAllBytesAsync(parts.Best), Is.EqualTo(await File.ReadAllBytesAsync(whole.Best)));
        Assert.That(Lines(parts).Select(LossOf), Is.EqualTo(Lines(whole).Select(LossOf)));
    }

    [Test]
    public async Task Patience_EndsTheRun_AlsoWhenItIsResumed()
    {
        var package = Compile(new ConstantSchedule(1));
        var run = new RunFolder(Folder["run"]);

        await TrainAsync(package, run, Held, patience: 2);
        long last = Lines(run).Select(StepOf).Last();
        Assert.That(last, Is.LessThan(Steps), "these images are noise: nothing that is learned of them holds for others");
        Assert.That(Lines(run).Select(LossOf).TakeLast(2), Is.All.GreaterThanOrEqualTo(Lines(run).Min(LossOf)));
        Assert.That(run.LoadNewest(package).Checkpoint.Step, Is.EqualTo(last));

        await TrainAsync(package, run, Held, patience: 2);
        Assert.That(Lines(run).Select(StepOf).Last(), Is.EqualTo(last));
    }

    [Test]
    public async Task LastStates_AreKept_WhereThatIsWanted_OrTheBestFileIsDamaged()
    {
        var package = Compile(new ConstantSchedule(1));
        var run = new RunFolder(Folder["run"]);
        await TrainAsync(package, run, Held);
        await File.WriteAllTextAsync(run.Best, "damaged");

        var (checkpoint, damaged) = run.LoadKept(package);
        Assert.That(checkpoint.Step, Is.EqualTo(Steps));
        Assert.That(damaged, Is.EqualTo((string[])[run.Best]));

        await TrainAsync(package, run, Held, keepsBest: false);
        Assert.That(File.Exists(run.Best), Is.False);
    }

    [Test]
    public async Task BestFile_FollowsTheLog_AfterACrashOrAChange()
    {
        var package = Compile(new ConstantSchedule(1));
        var run = new RunFolder(Folder["run"]);
        await TrainAsync(package, run, Held);
        long best = StepOf(Lines(run).MinBy(LossOf)!);
        var checkpoint = Checkpoint.Load(run.Best, package);
        (checkpoint with { Step = 39, Figure = null }).Save(run.Best); // that of a step which the log has not
        var left = Lines(run).Where(line => File.Exists(run.CheckpointAt(StepOf(line)))).MinBy(LossOf)!;

        await TrainAsync(package, run, Held);
        Assert.That(Checkpoint.Load(run.Best, package).Step, Is.EqualTo(StepOf(left)), "the best of those whose states are there");
        await TrainAsync(package, run, Held);
        Assert.That(Checkpoint.Load(run.Best, package).Step, Is.EqualTo(StepOf(left)), "and so it stays");

        checkpoint.Save(run.CheckpointAt(best));
        await TrainAsync(package, run, Held);
        Assert.That(Checkpoint.Load(run.Best, package).Step, Is.EqualTo(best));

        await TrainAsync(package, run, validation: null);
        Assert.That(File.Exists(run.Best), Is.False);
    }

    [Test]
    public async Task BestFile_IsKept_WhenTheLogIsLost()
    {
        var package = Compile(new ConstantSchedule(1));
        var run = new RunFolder(Folder["run"]);
        await TrainAsync(package, run, Held);
        byte[] best = await File.ReadAllBytesAsync(run.Best);
        Assert.That(Checkpoint.Load(run.Best, package).Figure, Is.EqualTo(Lines(run).Min(LossOf)).Within(1e-9));
        File.Delete(run.Metrics);

        await TrainAsync(package, run, Held, steps: Steps + 8);

        Assert.That(await File.ReadAllBytesAsync(run.Best), Is.EqualTo(best));
    }

    [Test]
    public async Task Run_WhoseCheckpointsAreGone_DoesNotStartOver()
    {
        var package = Compile(new ConstantSchedule(1));
        var run = new RunFolder(Folder["run"]);
        await TrainAsync(package, run, validation: null);
        Directory.Delete(Path.GetDirectoryName(run.CheckpointAt(0))!, recursive: true);

        await Assert.ThatAsync(() => TrainAsync(package, run, validation: null), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{run.Path}' has a log of {Steps} steps, but no checkpoint: put the checkpoints back, or start over in another folder."));
    }

    [Test]
    public void History_KnowsTheBestOfThoseThatAreKept_AndNoLossThatWasNotFinite()
    {
        var history = new ValidationHistory(
            [Line(10, 5, 1, 4), Line(20, 3, 1, 2), Line(30, 4, 1, 3), Line(40, null, null, 1), Line(50, 4.5, 1, 3.5)], beta: 1, ValidationFigure.Loss);
        Assert.That((history.Best, history.SinceBest), Is.EqualTo(((20L, 3.0), 3)));

        history.KeepOnly(step => step != 20);
        Assert.That((history.Best, history.SinceBest), Is.EqualTo(((30L, 4.0), 2)));

        Assert.That(history.Add(60, double.NaN), Is.False);
        Assert.That(history.Add(70, 3.5), Is.True);
        Assert.That(history.SinceBest, Is.Zero);
        Assert.That(new ValidationHistory([Line(10, 5, 3, 2), Line(20, 4, 1, 3)], beta: 1, ValidationFigure.Distortion).Best, Is.EqualTo((10L, 2.0)));

        static JsonObject Line(long step, double? loss, double? rate, double? distortion) =>
            new() { ["step"] = step, [ValidationFigures.LossName] = loss, [ValidationFigures.RateName] = rate, [ValidationFigures.DistortionName] = distortion };
    }

    [Test]
    public void WithValidation_HoldsImagesOut_AlwaysTheSameOnes()
    {
        TestImages.WriteImages(Folder["images"], 30);
        var all = ImageData.Open(Folder["images"]);
        ImageData first = all.WithValidation(0.2), second = all.WithValidation(0.2);

        string[] train = TestImages.Names(first.Train), validation = TestImages.Names(first.Validation!);
        Assert.That(validation, Has.Length.EqualTo(5)); // of 27 that are not for testing
        Assert.That(train.Intersect(validation), Is.Empty);
        Assert.That(train.Concat(validation), Is.EquivalentTo(TestImages.Names(all.Train)));
        Assert.That(TestImages.Names(second.Validation!), Is.EqualTo(validation));
        Assert.That(TestImages.Names(first.Test), Is.EqualTo(TestImages.Names(all.Test)));

        Assert.That(() => first.WithValidation(0.1), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("The data have a validation split of their own, which is used: hold nothing out."));
        Assert.That(() => all.WithValidation(1), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => all.WithValidation(0.99), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("There are 27 training images, of which 27 would be held out"));
    }

    [Test]
    public void WithValidation_KeepsEachImagesCondition()
    {
        TestImages.WriteImages(Folder["images"], 30);
        var all = ImageData.Open(Folder["images"]);
        using (var file = File.Create(Folder["numbers.npy"]))
        {
            Npy.Write(file, [.. Enumerable.Range(0, 30).Select(i => (float)i)], 30, 1);
        }

        var conditioned = all.WithConditions(ImageConditions.Read(Folder["numbers.npy"])).WithValidation(0.2);
        var later = all.WithValidation(0.2).WithConditions(ImageConditions.Read(Folder["numbers.npy"]));

        Assert.That(Conditions(later.Validation!), Is.EqualTo(Conditions(conditioned.Validation!)));
        Assert.That(Conditions(later.Train), Is.EqualTo(Conditions(conditioned.Train)));

        static float[] Conditions(ImageSource source) => [.. Enumerable.Range(0, (int)source.Count).Select(i =>
        {
            var condition = new float[1];
            source.ReadCondition(i, condition);
            return condition[0];
        })];
    }

    [Test]
    public void Train_ReportsTheBestStep_AndPatienceNeedsValidation()
    {
        TestImages.WriteImages(Folder["images"], 40);
        string[] command = ["train", "--data", Folder["images"], "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--steps", "20", "--importance-samples", "0"];

        var (exitCode, _, error) = Support.Cli.Run([.. command, "--validation", "0.2", "--validate-every", "5", "--out", Folder["run"]]);
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error, Does.Match("Best      step [0-9]+ of 20, validation loss [0-9.]+; step [0-9]+ is evaluated and exported"));
        Assert.That(File.ReadAllText(Folder["run/report.html"]), Does.Contain("Loss by step, of training and of validation images").And.Contain("best step"));
        Assert.That(Support.Cli.Succeed("evaluate", Folder["run"], "--split", "validation", "--importance-samples", "0"), Does.Contain("negativeElbo"));

        (exitCode, _, error) = Support.Cli.Run([.. command, "--validation", "0.2", "--validate-every", "1", "--best-by", "distortion", "--out", Folder["distortion"]]);
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error, Does.Contain($"Best      step {Lines(new RunFolder(Folder["distortion"])).MinBy(line => MetricsLog.ValueOf(line, ValidationFigures.DistortionName))!["step"]} of 20, validation distortion "));

        (exitCode, _, error) = Support.Cli.Run([.. command, "--patience", "3", "--out", Folder["other"]]);
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error, Does.Contain("--patience needs validation images: give --validation 0.1, or data with a validation split."));
    }

    [Test]
    public void FinishedRun_GoesOn_AsIfItHadBeenLongerFromTheStart()
    {
        TestImages.WriteImages(Folder["images"], 40);
        string[] command = ["train", "--data", Folder["images"], "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--importance-samples", "0"];
        Support.Cli.Succeed([.. command, "--epochs", "2", "--out", Folder["run"]]); // 9 steps of 4 of 36 images in each
        Support.Cli.Succeed([.. command, "--steps", "40", "--out", Folder["whole"]]);

        Support.Cli.Succeed("train", "--resume", "--steps", "30", "--out", Folder["run"]);
        Support.Cli.Succeed("train", "--resume", "--steps", "40", "--out", Folder["run"]);

        RunFolder run = new(Folder["run"]), whole = new(Folder["whole"]);
        Assert.That(File.ReadAllBytes(run.NewestCheckpoint()), Is.EqualTo(File.ReadAllBytes(whole.NewestCheckpoint())));
        Assert.That(MetricsLog.Read(run.Metrics).Where(line => line.ContainsKey(MetricsLog.Changed)).Select(line => $"{line["step"]}: {line[MetricsLog.Changed]}"), Is.EqualTo((string[])["18: steps from 18 to 30", "30: steps from 30 to 40"]));
        Assert.That(File.ReadAllText(run.Report), Does.Contain("steps from 30 to 40"));

        var (exitCode, _, error) = Support.Cli.Run("train", "--resume", "--steps", "20", "--out", Folder["run"]);
        Assert.That((exitCode, error), Is.EqualTo((2, "onnxvae: The run has done 40 steps, but 20 are asked for: give more --steps or --epochs.\n")));
    }

    private static IReadOnlyList<JsonObject> Lines(RunFolder run) => [.. MetricsLog.Read(run.Metrics).Where(line => MetricsLog.ValueOf(line, ValidationFigures.LossName) is not null)];

    private static long StepOf(JsonObject line) => (long)line["step"]!;

    private static double LossOf(JsonObject line) => MetricsLog.ValueOf(line, ValidationFigures.LossName)!.Value;

    private static void Cancel(bool isTime, CancellationTokenSource source)
    {
        if (isTime)
        {
            source.Cancel();
        }
    }

    private static async Task TrainAsync(
        TrainingPackage package, RunFolder run, ImageSource? validation, int? patience = null, bool keepsBest = true, int steps = Steps, Action<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var trainer = Trainer.StartOrResume(
            package, run, new TrainerOptions { Steps = steps, Seed = 1, Device = OnnxDevice.Cpu, Threads = 2, LogEvery = 50, CheckpointEvery = 10, ValidateEvery = 4, Patience = patience, KeepsBest = keepsBest });
        trainer.Progressed += (_, step) => progress?.Invoke(step);
        await trainer.TrainAsync(Images, validation, cancellation);
    }

    private TrainingPackage Compile(Schedule beta)
    {
        torch.random.manual_seed(2);
        using var networks = new VaeNetworks(new MlpNetwork(16), new ExampleShape(1, 6, 6), latents: 3);
        return new PackageCompiler(
            new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo(beta)), new TrainingOptions { BatchSize = 8, Optimizer = new Adam(new ConstantSchedule(0.05)) }).Write(Folder["package"]);
    }

    /// <summary>Images of random pixels.</summary>
    private sealed class Noise(int first) : ImageSource
    {
        public override long Count => 20;

        public override ExampleShape Shape { get; } = new(1, 6, 6);

        public override void Read(long index, Span<byte> pixels) => new Random(first + (int)index).NextBytes(pixels);
    }
}
