using System.CommandLine;
using OnnxVae.Cli.Companions;
using OnnxVae.Training;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae prior</c>: a class-conditional prior for the codes of a run.</summary>
internal static class PriorVerb
{
    public static Command Create()
    {
        var companion = new CompanionArguments(steps: 5000);
        var level = VerbOptions.Among([PriorCompilation.Top, PriorCompilation.Bottom], new Option<string>("--level")
        {
            Description = "Whose codes: the top level's, by attention, or the bottom level's, by convolutions that know the top level; the only level of vqvae is called bottom, and is modelled by attention.",
            Required = true,
        });
        var width = VerbOptions.Count("--width", 128, 2, "Numbers per position.");
        var depth = VerbOptions.Count("--depth", 4, 1, "Layers.");
        var heads = VerbOptions.Count("--heads", 4, 1, "Heads of each attention; convolutions have none.");
        var dropout = VerbOptions.Share(new Option<double>("--label-dropout")
        {
            Description = "Share of images whose class is hidden in training.",
            DefaultValueFactory = _ => 0.1,
        });
        var json = VerbOptions.Json();
        var command = new Command(
            "prior", "Trains a class-conditional prior for the codes of a run, in RUN/prior-LEVEL, and exports it beside the decoder. Training that was stopped continues when the same command is given again. Example: onnxvae prior runs/digits --level top")
        {
            level, width, depth, heads, dropout, json,
        };
        companion.AddTo(command);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            var run = RunFolder.Open(companion.Run(result));
            var options = new PriorOptions
            {
                Level = result.GetValue(level)!,
                Width = result.GetValue(width),
                Depth = result.GetValue(depth),
                Heads = result.GetValue(heads),
                LabelDropout = result.GetValue(dropout),
                Training = companion.Read(result),
            };
            using var job = CompanionJob.Open(
                run, PriorCompilation.FolderOf(options.Level), options,
                (folder, images) => PriorCompilation.Write(folder, options, Path.Combine(run.Export, "encoder.onnx"), images.Classes));
            return await job.ReportAsync($"Prior of the {options.Level} level on the test split", result.GetValue(json), cancellation, "uniformNllPerCode");
        });
        return command;
    }
}
