using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Models.CodePriors;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using TorchSharp;

namespace OnnxVae.Cli.Jobs;

/// <summary>The training of a prior for the codes of a run, in a folder of its own inside the run's.</summary>
/// <param name="Run">The prior's folder.</param>
/// <param name="Options">What was asked for.</param>
/// <param name="Images">The run's data.</param>
/// <param name="Export">Where the run's encoder and decoder are, and the prior goes.</param>
internal sealed record PriorJob(RunFolder Run, PriorOptions Options, ImageData Images, string Export)
{
    public const string Top = "top";
    public const string Bottom = "bottom";

    // A learning rate that falls to nothing and gradients of bounded length: attention is sensitive to both.
    private const double MaxGradientNorm = 1;

    /// <summary>Begins, or continues where an earlier training stopped.</summary>
    /// <param name="run">The run of the autoencoder.</param>
    /// <param name="options">What is asked for.</param>
    /// <exception cref="InvalidDataException">The run has no codes, or its images no labels.</exception>
    public static PriorJob Open(RunFolder run, PriorOptions options)
    {
        var data = run.ReadOptions<TrainOptions>();
        var images = ImageData.Open(data.Data, data.ImageOptions);
        var folder = new RunFolder(Path.Combine(run.Path, $"prior-{options.Level}"));
        if (folder.HoldsRun)
        {
            var before = folder.ReadOptions<PriorOptions>();
            return before == options ? new PriorJob(folder, options, images, run.Export) : throw new IOException(
                $"'{folder.Path}' holds a prior that was trained with other options: give the same ones to continue it, or delete the folder.");
        }

        OutputFolder.RequireNew(folder.Path, "delete it.");
        try
        {
            Compile(folder.Package, Path.Combine(run.Export, "encoder.onnx"), images.Train, options);
        }
        catch
        {
            if (Directory.Exists(folder.Path))
            {
                Directory.Delete(folder.Path, recursive: true);
            }

            throw;
        }

        folder.WriteOptions(options);
        return new PriorJob(folder, options, images, run.Export);
    }

    /// <summary>Trains to the end, evaluates on both splits and exports.</summary>
    /// <param name="cancellation">Ends training early; a checkpoint is written.</param>
    /// <returns>The figures on the training and the test split; null if training was ended.</returns>
    public async Task<(EvaluationFigures Train, EvaluationFigures Test)?> RunAsync(CancellationToken cancellation)
    {
        using var held = Run.Lock();
        var package = TrainingPackage.Open(Run.Package);
        var device = OnnxDevice.Parse(Options.Device);
        using (var trainer = Trainer.Resume(package, Run, new TrainerOptions(
            Options.Steps, Options.Seed, device, Options.Threads, Options.LogEvery, Options.CheckpointEvery)))
        {
            await ProgressDisplay.RunAsync("Training", report => trainer.TrainAsync(
                Images.Train,
                progress => report(progress.Step, progress.Steps, float.IsNaN(progress.Loss) ? "" : string.Create(CultureInfo.InvariantCulture, $"{progress.Loss:0.000} nats per code")),
                cancellation: cancellation));
            if (trainer.Step < Options.Steps)
            {
                Console.Error.WriteLine($"Stopped at step {trainer.Step} of {Options.Steps}; a checkpoint is written. Continue with the same command.");
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
        return (Evaluate(new FirstImages(Images.Train, Images.Test.Count)), test);

        EvaluationFigures Evaluate(ImageSource images) => ProgressDisplay.Run("Evaluating", report => Evaluator.Evaluate(
            package, states, images, new EvaluatorOptions(0, Options.Seed, device, Options.Threads), (done, total) => report(done, total), cancellation));
    }

    private static void Compile(string folder, string encoderFile, ImageSource train, PriorOptions options)
    {
        CodeGridShape[] grids;
        using (var encoder = VaeEncoder.Load(encoderFile))
        {
            grids = [.. encoder.Metadata.CodeGrids.Select(grid => new CodeGridShape(grid.Codes, grid.Rows, grid.Columns))];
        }

        int level = options.Level == Top ? 0 : grids.Length - 1;
        if (grids.Length == 0)
        {
            throw new InvalidDataException("The run's latents are numbers: only models with codes (--model vqvae, vqvae2) take a prior of codes.");
        }

        if (options.Level == Top && grids.Length == 1)
        {
            throw new UsageException($"--level is {Top}, but the run has one level of codes: give --level {Bottom}.");
        }

        if (train.Classes.Count == 0)
        {
            throw new InvalidDataException(
                "The run's images have no labels, which a class-conditional prior needs: give IDX files with labels beside them, or images in a folder for each class.");
        }

        torch.random.manual_seed((long)options.Seed);
        using CodePrior prior = level == 0
            ? new AttentionPrior(grids[level], train.Classes.Count, options.Width, options.Depth, options.Heads)
            : new GatedConvolutionPrior(grids[level], grids[level - 1].Codes, train.Classes.Count, options.Width, options.Depth);
        var training = new CodePriorTrainingOptions(
            options.Batch, new Adam(new CosineSchedule(options.LearningRate, options.WarmUp, options.Steps)), options.LabelDropout, MaxGradientNorm);
        new CodePriorCompiler(prior, OnnxModel.Load(encoderFile), grids, level, training).Write(
            folder, train.Classes, new JsonObject { ["level"] = options.Level, ["seed"] = options.Seed },
            ExpansionTarget.Training with { Provider = OnnxDevice.Parse(options.Device).Provider });
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
