using System.CommandLine;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Jobs;
using OnnxVae.Training;

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
            var job = result.GetValue(resume)
                ? TrainingJob.Resume(folder, stored => arguments.ReadForResume(result, stored))
                : TrainingJob.Start(folder, arguments.Read(result));
            return RunAsync(job, result.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(TrainingJob job, bool json, CancellationToken cancellation)
    {
        if (await job.RunAsync(cancellation) is not { } figures)
        {
            return CommandLine.Interrupted;
        }

        Print(job.Run, figures.ToJson(), json);
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
