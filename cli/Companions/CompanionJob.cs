using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using TorchSharp;

namespace OnnxVae.Cli.Companions;

/// <summary>
/// The training of a model that accompanies a run's autoencoder, a prior of its codes or a classifier of its images, on the run's images and
/// their classes. It has a folder of its own inside the run's, and is exported beside encoder and decoder.
/// </summary>
/// <param name="Run">The companion's folder.</param>
/// <param name="Training">What was asked for.</param>
/// <param name="Images">The run's data.</param>
/// <param name="Export">Where the run's encoder and decoder are.</param>
internal sealed record CompanionJob(RunFolder Run, CompanionTraining Training, ImageData Images, string Export)
{
    /// <summary>Begins, or continues where an earlier training stopped.</summary>
    /// <param name="run">The run of the autoencoder.</param>
    /// <param name="name">The name of the companion's folder.</param>
    /// <param name="options">Everything that is asked for.</param>
    /// <param name="training">Of that, how it is trained.</param>
    /// <param name="compile">Writes its package into a folder, for images.</param>
    /// <exception cref="InvalidDataException">The run's images have no classes.</exception>
    /// <exception cref="IOException">The folder holds a companion that was asked for with other options.</exception>
    public static CompanionJob Open<TOptions>(
        RunFolder run, string name, TOptions options, CompanionTraining training, Action<string, ImageSource> compile) where TOptions : class
    {
        var data = run.ReadOptions<TrainOptions>();
        var images = ImageData.Open(data.Data, data.ImageOptions);
        var folder = new RunFolder(Path.Combine(run.Path, name));
        var job = new CompanionJob(folder, training, images, run.Export);
        if (folder.HoldsRun)
        {
            return options.Equals(folder.ReadOptions<TOptions>()) ? job : throw new IOException(
                $"'{folder.Path}' was trained with other options: give the same ones to continue, or delete the folder.");
        }

        OutputFolder.RequireNew(folder.Path, "delete it.");
        try
        {
            BatchPipeline.RequireLabels(images.Train);
            torch.random.manual_seed((long)training.Seed);
            compile(folder.Package, images.Train);
        }
        catch
        {
            Directory.Delete(folder.Path, recursive: true); // It was made or empty a moment ago.
            throw;
        }

        folder.WriteOptions(options);
        return job;
    }

    /// <summary>Trains to the end, evaluates on both splits, exports, and prints the figures.</summary>
    /// <param name="title">What they are headed by.</param>
    /// <param name="isJson">Whether they are printed as one JSON object.</param>
    /// <param name="cancellation">Ends training early; a checkpoint is written.</param>
    /// <param name="besides">Figures that the package's description has, to be printed with them.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> ReportAsync(string title, bool isJson, CancellationToken cancellation, params string[] besides)
    {
        if (await RunAsync(cancellation) is not { } figures)
        {
            return CommandLine.Interrupted;
        }

        var description = TrainingPackage.Open(Run.Package).Manifest.Model;
        foreach (string name in besides)
        {
            figures[name] = (double)description[name]!;
        }

        if (isJson)
        {
            Console.WriteLine(figures.ToJsonString());
            return 0;
        }

        FiguresTable.Print(title, figures);
        Console.WriteLine($"Report    {Run.Report}");
        return 0;
    }

    // The figures on the test split, and what else is known of each image on the training split as trainNAME; null if training was ended.
    private async Task<JsonObject?> RunAsync(CancellationToken cancellation)
    {
        using var held = Run.Lock();
        var package = TrainingPackage.Open(Run.Package);
        var device = OnnxDevice.Parse(Training.Device);
        using (var trainer = Trainer.Resume(package, Run, new TrainerOptions(
            Training.Steps, Training.Seed, device, Training.Threads, Training.LogEvery, Training.CheckpointEvery)))
        {
            await ProgressDisplay.RunAsync("Training", report => trainer.TrainAsync(
                Images.Train,
                progress => report(progress.Step, progress.Steps, float.IsNaN(progress.Loss) ? "" : string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:0.000}")),
                cancellation: cancellation));
            if (trainer.Step < Training.Steps)
            {
                Console.Error.WriteLine($"Stopped at step {trainer.Step} of {Training.Steps}; a checkpoint is written. Continue with the same command.");
                return null;
            }
        }

        var states = Checkpoint.Load(Run.NewestCheckpoint(), package.Fingerprint).States;
        foreach (var (role, file) in package.Manifest.Deployables)
        {
            RunExport.Bake(package, role, states).Save(Path.Combine(Export, file));
        }

        var test = Evaluate(Images.Test);
        test.Save(Run.Evaluation);
        RunReport.Write(Run, package.Manifest, test, "test");
        var figures = test.ToJson();
        foreach (var (name, value) in Evaluate(new FirstImages(Images.Train, Images.Test.Count)).Further)
        {
            figures[$"train{char.ToUpperInvariant(name[0])}{name[1..]}"] = value;
        }

        return figures;

        EvaluationFigures Evaluate(ImageSource images) => ProgressDisplay.Run("Evaluating", report => Evaluator.Evaluate(
            package, states, images, new EvaluatorOptions(0, Training.Seed, device, Training.Threads), (done, total) => report(done, total), cancellation));
    }

    // As many training images as there are test images, so that both figures take the same time.
    private sealed class FirstImages(ImageSource source, long count) : ImageSource
    {
        public override long Count => Math.Min(count, source.Count);

        public override int Channels => source.Channels;

        public override int Height => source.Height;

        public override int Width => source.Width;

        public override IReadOnlyList<string> Classes => source.Classes;

        public override void Read(long index, Span<byte> pixels) => source.Read(index, pixels);

        public override int LabelOf(long index) => source.LabelOf(index);
    }
}
