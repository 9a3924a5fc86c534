using System.CommandLine;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae export</c>: encoder and decoder with their weights.</summary>
internal static class ExportVerb
{
    public static Command Create()
    {
        var runArgument = new Argument<string>("RUN") { Description = "The run's folder." };
        var output = new Option<string>("--out") { Description = "Where the files go.", Required = true };
        var checkpoint = new Option<string?>("--checkpoint") { Description = "A checkpoint file; the newest, if left out." };
        var provider = new Option<string?>("--for")
        {
            Description = "cpu: convolutions in the forms that are fastest on a processor, for batches of images. If left out, the operators that any runtime knows, also the better choice for single images.",
        };
        VerbOptions.Among([OnnxDevice.Cpu.Provider], provider);
        var command = new Command("export", "Writes encoder.onnx and decoder.onnx, and what was trained or fitted for them: priors of codes, a mixture, a classifier. Example: onnxvae export runs/sprites --out deploy") { runArgument, output, checkpoint, provider };
        command.SetAction(result =>
        {
            var run = ModelPath.Run(result.GetValue(runArgument)!);
            var package = TrainingPackage.Open(run.Package);
            var trained = Checkpoints.Load(result.GetValue(checkpoint), run, package);
            RequireTrained(run, trained, isChosen: result.GetValue(checkpoint) is not null);
            string folder = result.GetValue(output)!, weights = RunExport.Identify(trained.States);
            foreach (string file in RunExport.Write(package, trained.States, folder, result.GetValue(provider)))
            {
                Console.WriteLine($"Exported  {file} (step {trained.Step})");
            }

            foreach (string file in RunExport.CopyAuxiliaryModels(weights, run.Export, folder))
            {
                Console.WriteLine($"Copied    {file}");
            }
        });
        return command;
    }

    // A run that diverged before its first checkpoint, or was stopped there, has the weights that it began with.
    private static void RequireTrained(RunFolder run, Checkpoint trained, bool isChosen)
    {
        if (!isChosen && trained.Step == 0)
        {
            throw new InvalidDataException(
                $"'{run.Path}' has no checkpoint but that of step 0, before its training: train it, with a smaller --learning-rate if it has diverged, or give --checkpoint {run.CheckpointAt(0)} to export it as it is.");
        }
    }
}
