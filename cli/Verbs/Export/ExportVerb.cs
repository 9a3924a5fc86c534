using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.OnnxRuntimeTraining;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Export;

/// <summary>Exports encoder and decoder with their weights.</summary>
[Verb("export", VerbTopic.Ship, "Writes encoder.onnx, decoder.onnx and scorer.onnx.", Details = "And what was trained or fitted for them: priors of codes, a mixture, a classifier.",
    Example = "export runs/sprites --out deploy")]
internal sealed class ExportVerb : Verb<ExportOptions>
{
    protected override Task<int> RunAsync(ExportOptions options)
    {
        OutputFolder.RequireFolderName(options.Out);
        if (TrainingPackage.IsIn(options.Run))
        {
            ExportPackage(options);
            return Task.FromResult(ExitCode.Done);
        }

        var run = ModelPath.Run(options.Run);
        var package = TrainingPackage.Open(run.Package);
        if (File.Exists(options.Checkpoint) && RuntimeCheckpoint.IsIn(options.Checkpoint))
        {
            throw new UsageException($"'{options.Checkpoint}' is a checkpoint of ONNX Runtime Training, but '{options.Run}' is a run: name the package with the artifacts that were trained, '{run.Package}' if it is the same.");
        }

        var trained = Checkpoints.Load(options.Checkpoint, run, package);
        RequireTrained(run, trained, isChosen: options.Checkpoint is not null);
        foreach (string file in RunExport.Write(package, trained.States, options.Out, options.For))
        {
            Console.WriteLine($"Exported  {file} (step {trained.Step})");
        }

        foreach (string file in RunExport.CopyAuxiliaryModels(RunExport.Identify(trained.States), run.Export, options.Out))
        {
            Console.WriteLine($"Copied    {file}");
        }

        return Task.FromResult(ExitCode.Done);
    }

    // What ONNX Runtime Training has made of its artifacts.
    private static void ExportPackage(ExportOptions options)
    {
        if (options.Checkpoint is not { } file)
        {
            throw new UsageException($"'{options.Run}' is a package and holds no trained weights: give --checkpoint, the file that its training session has saved.");
        }

        var package = TrainingPackage.Open(options.Run);
        var checkpoint = RuntimeCheckpoint.Load(file);
        foreach (string written in RunExport.Write(package, checkpoint.StatesOf(package, file), options.Out, options.For))
        {
            Console.WriteLine($"Exported  {written} (step {checkpoint.Step})");
        }
    }

    // A run that diverged or was stopped before its first checkpoint only has its initial weights.
    private static void RequireTrained(RunFolder run, Checkpoint trained, bool isChosen)
    {
        if (!isChosen && trained.Step == 0)
        {
            throw new InvalidDataException(
                $"'{run.Path}' has only its initial checkpoint, step 0: train it, with a smaller --learning-rate if it has diverged, or give --checkpoint {run.CheckpointAt(0)} to export it as it is.");
        }
    }
}
