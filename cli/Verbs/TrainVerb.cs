using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae train</c>: compile, train, evaluate, export, report.</summary>
internal static class TrainVerb
{
    public static Command Create()
    {
        var arguments = new TrainArguments();
        var output = new Option<string>("--out") { Description = "The run's folder.", Required = true };
        var resume = new Option<bool>("--resume") { Description = "Continue the run in --out from its newest checkpoint." };
        var json = VerbOptions.Json();
        var command = new Command(
            "train", "Trains a VAE: compiles it, trains, evaluates on the test split, exports encoder.onnx and decoder.onnx. Example: onnxvae train --data sprites --out runs/sprites --steps 2000");
        arguments.AddForTraining(command);
        command.Options.Add(output);
        command.Options.Add(resume);
        command.Options.Add(json);
        command.SetCancellableAction((result, cancellation) =>
        {
            string folder = result.GetValue(output)!;
            var (run, options, images) = result.GetValue(resume) ? Resume(result, arguments, folder) : Start(result, arguments, folder);
            return TrainAsync(run, options, images, result.GetValue(json), cancellation);
        });
        return command;
    }

    private static (RunFolder, TrainOptions, ImageData) Start(ParseResult result, TrainArguments arguments, string folder)
    {
        var run = new RunFolder(folder);
        var options = arguments.Read(result);
        OnnxDevice.Parse(options.Device);
        var images = ImageData.Open(options.Data, options.ImageOptions);
        options = options with { TrainingImages = images.Train.Count, TestImages = images.Test.Count };
        var compiled = options.Package is { } path ? OpenPackage(path, images.Train, options) : null;
        BatchPipeline.RequireBatch(images.Train, options.Model?.Batch ?? compiled!.Manifest.Step.Images.Shape[0]);
        OutputFolder.RequireNew(folder, run.HoldsRun
            ? "it holds a run; give --resume to continue it, or another --out."
            : "give another --out, or empty it.");
        try
        {
            WritePackage(run.Package, compiled, options, images.Train);
        }
        catch
        {
            Directory.Delete(folder, recursive: true); // It was made or empty a moment ago.
            throw;
        }

        run.WriteOptions(options);
        return (run, options, images);
    }

    private static void WritePackage(string folder, TrainingPackage? compiled, TrainOptions options, ImageSource train)
    {
        if (compiled is not null)
        {
            compiled.CopyTo(folder);
            return;
        }

        ModelCompilation.Write(folder, options.Model!, train, options.Seed, options.StepsFor(train, options.Model!.Batch), OnnxDevice.Parse(options.Device).Provider);
    }

    private static TrainingPackage OpenPackage(string path, ImageSource train, TrainOptions options)
    {
        var package = TrainingPackage.Open(path);
        var step = package.Manifest.Step;
        BatchPipeline.RequireFit(step, train);
        long steps = options.StepsFor(train, (int)step.Images.Shape[0]);
        return step.Inputs.Select(input => input.Schedule).OfType<CosineSchedule>().FirstOrDefault() is { } cosine && cosine.TotalSteps != steps
            ? throw new UsageException($"The package's learning rate was compiled for {cosine.TotalSteps} steps, but this run has {steps}: give --steps {cosine.TotalSteps}, or compile again.")
            : package;
    }

    private static (RunFolder, TrainOptions, ImageData) Resume(ParseResult result, TrainArguments arguments, string folder)
    {
        var run = RunFolder.Open(folder);
        var options = arguments.ReadForResume(result, run.ReadOptions<TrainOptions>());
        var images = ImageData.Open(options.Data, options.ImageOptions);
        return (images.Train.Count, images.Test.Count) == (options.TrainingImages, options.TestImages) ? (run, options, images) : throw new InvalidDataException(
            $"'{options.Data}' has {images.Train.Count} training and {images.Test.Count} test images, but the run was started with {options.TrainingImages} and {options.TestImages}: put the data back, or start a new run.");
    }

    private static async Task<int> TrainAsync(RunFolder run, TrainOptions options, ImageData images, bool json, CancellationToken cancellation)
    {
        using var held = run.Lock();
        var package = TrainingPackage.Open(run.Package);
        var device = OnnxDevice.Parse(options.Device);
        long steps = options.StepsFor(images.Train, (int)package.Manifest.Step.Images.Shape[0]);
        var grids = new SampleGrids(package, images.Test, options.Seed, device, options.Threads);
        long step;
        using (var trainer = Trainer.Resume(package, run, new TrainerOptions(
            steps, options.Seed, device, options.Threads, options.LogEvery, options.CheckpointEvery)))
        {
            await ProgressDisplay.RunAsync("Training", report => trainer.TrainAsync(
                images.Train,
                progress => report(progress.Step, progress.Steps, float.IsNaN(progress.Loss) ? "" : string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:0.00}")),
                checkpoint => grids.Write(run.Samples, checkpoint.Step, checkpoint.States),
                cancellation));
            step = trainer.Step;
        }

        if (step < steps)
        {
            Console.Error.WriteLine($"Stopped at step {step} of {steps}; a checkpoint is written. Continue with: onnxvae train --resume --out {run.Path}");
            return CommandLine.Interrupted;
        }

        var states = Checkpoint.Load(run.NewestCheckpoint(), package.Fingerprint).States;
        RunExport.Write(package, states, run.Export);
        var figures = ProgressDisplay.Run("Evaluating", report => Evaluator.Evaluate(
            package, states, images.Test, new EvaluatorOptions(options.ImportanceSamples, options.Seed, device, options.Threads),
            (done, total) => report(done, total), cancellation));
        figures.Save(run.Evaluation);
        RunReport.Write(run, package.Manifest, figures, "test");
        Print(run, figures.ToJson(), json);
        return 0;
    }

    private static void Print(RunFolder run, JsonObject figures, bool json)
    {
        if (json)
        {
            Console.WriteLine(figures.ToJsonString());
            return;
        }

        FiguresTable.Print("Figures on the test split, nats per image", figures);
        Console.WriteLine($"Exported  {Path.Combine(run.Export, "encoder.onnx")}, {Path.Combine(run.Export, "decoder.onnx")}");
        Console.WriteLine($"Report    {run.Report}");
        Console.WriteLine($"Generate  onnxvae generate {Path.Combine(run.Export, "decoder.onnx")} --count 64 --out images --grid grid.png");
    }
}
