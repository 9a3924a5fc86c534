using System.CommandLine;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training;

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
            var run = RunFolder.Open(result.GetValue(runArgument)!);
            var package = TrainingPackage.Open(run.Package);
            var trained = Checkpoint.Load(result.GetValue(checkpoint) ?? run.NewestCheckpoint(), package.Fingerprint);
            string folder = result.GetValue(output)!, weights = RunExport.Identify(trained.States);
            foreach (string file in RunExport.Write(package, trained.States, folder, result.GetValue(provider)))
            {
                Console.WriteLine($"Exported  {file} (step {trained.Step})");
            }

            foreach (string file in RunExport.CopyCompanions(weights, run.Export, folder))
            {
                Console.WriteLine($"Copied    {file}");
            }
        });
        return command;
    }
}
