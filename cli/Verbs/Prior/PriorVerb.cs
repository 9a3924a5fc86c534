using System.CommandLine;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Prior;

/// <summary><c>onnxvae prior</c>: a class-conditional prior for the codes of a run.</summary>
internal static class PriorVerb
{
    public static Command Create()
    {
        var arguments = new AuxiliaryArguments(steps: 5000);
        var level = VerbOptions.Among([CodeLevel.Top, CodeLevel.Bottom], new Option<string>("--level")
        {
            Description = "Whose codes: the top level's, by attention, or the bottom level's, by convolutions that know the top level; the only level of vqvae is called bottom, and is modelled by attention.",
            Required = true,
        });
        var width = VerbOptions.Count("--width", 128, 2, "Numbers per position.", VerbOptions.LargestChannels);
        var depth = VerbOptions.Count("--depth", 4, 1, "Layers.", 256);
        var heads = VerbOptions.Count("--heads", 4, 1, "Heads of each attention; convolutions have none.", 256);
        var dropout = VerbOptions.Share(new Option<double>("--label-dropout")
        {
            Description = "Share of images whose class is hidden in training.",
            DefaultValueFactory = _ => 0.1,
        });
        var json = VerbOptions.Json();
        var command = new Command(
            "prior", "Trains a prior for the codes of a run, conditional on the class where the images have classes, in RUN/prior-LEVEL, and exports it beside the decoder. Training that was stopped continues when the same command is given again. Example: onnxvae prior runs/digits --level top")
        {
            level, width, depth, heads, dropout, json,
        };
        arguments.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            var run = ModelPath.Run(arguments.Run(result));
            var options = new PriorOptions
            {
                Level = result.GetValue(level)!,
                Width = result.GetValue(width),
                Depth = result.GetValue(depth),
                Heads = result.GetValue(heads),
                LabelDropout = result.GetValue(dropout),
                Training = arguments.Read(result, run),
            };
            string encoder = Path.Combine(run.Export, "encoder.onnx");
            var grids = PriorOptions.RequireCodes(encoder, options.Level);
            using var training = AuxiliaryRun.Open(
                run, CodeLevel.PriorFolder(options.Level), options, needsClasses: false,
                (folder, images) => options.Compile(folder, encoder, grids, images));
            var levels = CodeLevel.All(grids.Count);
            return await training.ReportAsync(
                $"Prior of the {options.Level} level on the test split", result.GetValue(json), classes => NextCommand.AfterPrior(run, levels, classes), ["uniformNllPerCode"], cancellation);
        });
        return command;
    }
}
