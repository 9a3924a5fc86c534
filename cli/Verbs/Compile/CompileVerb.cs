using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.OnnxRuntimeTraining;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Compile;

/// <summary>Writes a training package, without training it.</summary>
[Verb("compile", VerbTopic.Train, "Compiles a training package for the images of --data.", Details = "'train --package DIR' runs it, also on a machine without TorchSharp.",
    Example = "compile --data sprites --model mlp --out packages/mlp")]
internal sealed class CompileVerb : Verb<CompileOptions>
{
    protected override Task<int> RunAsync(CompileOptions options)
    {
        OutputFolder.RequireNew(options.Out);
        var (data, model) = (options.Data.Resolve(), options.Model);
        var length = options.Length.Resolve(data);
        var train = data.Open(options.Seed).Train;
        ImageRequirements.RequireBatch(train, model.Batch);
        var package = ProgressDisplay.While("Compiling", () => ModelBuilder.Write(
            options.Out, model, new TrainingData(train, data.Condition, data.Scale), options.Seed, length.StepsFor(train, model.Batch), options.For.ToLowerInvariant(), options.Split ? model.Batch : null, options.IsForOnnxRuntimeTraining));
        Console.WriteLine($"Compiled  {package.Folder}: {package.Manifest.Model["parameters"]} parameters");
        if (options.IsForOnnxRuntimeTraining)
        {
            Console.WriteLine($"Artifacts {string.Join(", ", TrainingArtifacts.Files.Select(file => Path.Combine(package.Folder, file)))}");
            NextCommand.Print($"onnxvae inspect {NextCommand.Quoted(Path.Combine(package.Folder, TrainingArtifacts.TrainingModel))}");
            return Task.FromResult(ExitCode.Done);
        }

        NextCommand.Print(NextCommand.AfterPackage(package.Folder, data, length));
        return Task.FromResult(ExitCode.Done);
    }
}
