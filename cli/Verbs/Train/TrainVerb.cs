using System.CommandLine;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Runs;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Train;

/// <summary><c>onnxvae train</c>: compile, train, evaluate, export, report.</summary>
internal static class TrainVerb
{
    public static Command Create()
    {
        var arguments = new TrainArguments();
        var output = new Option<string?>("--out") { Description = "The run's folder; runs/NAME, after the data, if left out." };
        var resume = new Option<bool>("--resume") { Description = "Continue the run in --out from its newest checkpoint." };
        var json = VerbOptions.Json();
        var command = new Command(
            "train", "Trains a VAE: compiles it, trains, evaluates on the test split, exports encoder.onnx and decoder.onnx. Example: onnxvae train --data sprites --out runs/sprites --steps 2000");
        arguments.AddForTraining(command);
        command.Options.Add(output);
        command.Options.Add(resume);
        command.Options.Add(json);
        command.SetCancellableAction(async (result, cancellation) =>
        {
            bool isResumed = result.GetValue(resume);
            if (isResumed && result.GetValue(output) is null)
            {
                throw new UsageException("--resume needs --out, the run to continue.");
            }

            using var training = isResumed
                ? TrainRun.Resume(result.GetValue(output)!, stored => arguments.RequireSame(result, stored))
                : Start(result.GetValue(output), arguments.Read(result));
            return await RunAsync(training, result.GetValue(json), cancellation);
        });
        return command;
    }

    private static TrainRun Start(string? folder, TrainOptions options) => TrainRun.Start(folder ?? FreeFolder(options.Data), options);

    // The first of runs/digits, runs/digits-2, ... that is free.
    private static string FreeFolder(string data)
    {
        string name = Path.Combine("runs", Path.GetFileName(Path.TrimEndingDirectorySeparator(data)).Split('.') is [{ Length: > 0 } stem, ..] ? stem : "run"), folder = name;
        for (int number = 2; Path.Exists(folder) && !new RunFolder(folder).IsEmpty; number++)
        {
            folder = $"{name}-{number}";
        }

        return folder;
    }

    private static async Task<int> RunAsync(TrainRun training, bool json, CancellationToken cancellation)
    {
        if (await training.RunAsync(cancellation) is not { } figures)
        {
            return ExitCode.Interrupted;
        }

        Print(training.Folder, figures.ToJson(), json);
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
        Console.WriteLine($"Next      {NextCommand.AfterModel(run, figures)}");
    }
}
