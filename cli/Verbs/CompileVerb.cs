using System.CommandLine;
using OnnxVae.Cli.Runs;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae compile</c>: a training package, without training it.</summary>
internal static class CompileVerb
{
    public static Command Create()
    {
        var arguments = new TrainArguments();
        var output = new Option<string>("--out") { Description = "The package's folder.", Required = true };
        var provider = new Option<string>("--for")
        {
            Description = "Execution provider that the package will run on: cpu, cuda, ... Forms of operators are chosen for it.",
            DefaultValueFactory = _ => "cpu",
        };
        var command = new Command(
            "compile", "Compiles a training package for the images of --data; 'train --package DIR' runs it, also on a machine without TorchSharp. Example: onnxvae compile --data sprites --model mlp --out packages/mlp");
        arguments.AddForCompiling(command);
        command.Options.Add(output);
        command.Options.Add(provider);
        command.SetAction(result =>
        {
            string folder = result.GetValue(output)!;
            var options = arguments.Read(result);
            OutputFolder.RequireNew(folder);
            var train = DataOpening.Open(options.Data, options.ImageOptions).Train;
            BatchPipeline.RequireBatch(train, options.Model!.Batch);
            var package = ProgressDisplay.While("Compiling", () => ModelCompilation.Write(
                folder, options.Model, train, options.Seed, options.StepsFor(train, options.Model.Batch), result.GetValue(provider)!.ToLowerInvariant()));
            Console.WriteLine($"Compiled  {package.Folder}: {package.Manifest.Model["parameters"]} parameters");
            Console.WriteLine($"Next      {NextCommand.AfterPackage(package.Folder, options)}");
        });
        return command;
    }
}
