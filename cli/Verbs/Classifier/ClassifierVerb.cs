using System.CommandLine;
using OnnxVae.Cli.Runs;
using OnnxVae.Models;

namespace OnnxVae.Cli.Verbs.Classifier;

/// <summary><c>onnxvae classifier</c>: a classifier of a run's images, which judges generated ones.</summary>
internal static class ClassifierVerb
{
    public static Command Create()
    {
        var arguments = new AuxiliaryArguments(steps: 2000);
        var model = VerbOptions.Among(VaeCatalog.NetworkNames, new Option<string>("--model")
        {
            Description = $"The network, the encoder of a VAE: {string.Join(", ", VaeCatalog.NetworkNames)}.",
            DefaultValueFactory = _ => "conv",
        });
        var hidden = new Option<string?>("--hidden") { Description = "Widths of its hidden dense layers, as in 512,256." };
        var json = VerbOptions.Json();
        var command = new Command(
            "classifier", "Trains a classifier on a run's images and their classes, in RUN/classifier, and exports it beside the decoder, for 'generate --classifier' with runs whose latents are codes. Training that was stopped continues when the same command is given again. Example: onnxvae classifier runs/digits")
        {
            model, hidden, json,
        };
        arguments.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            var run = ModelPath.Run(arguments.Run(result));
            var options = new ClassifierOptions { Model = result.GetValue(model)!, Hidden = result.GetValue(hidden), Training = arguments.Read(result, run) };
            using var training = AuxiliaryRun.Open(
                run, ClassifierOptions.Folder, options, needsClasses: true,
                options.Compile);
            return await training.ReportAsync("Classifier on the test split", result.GetValue(json), classes => NextCommand.AfterClassifier(run, classes), [], cancellation);
        });
        return command;
    }
}
