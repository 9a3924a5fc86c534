using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Jobs;
using OnnxVae.Training;

namespace OnnxVae.Cli.Verbs;

/// <summary><c>onnxvae prior</c>: a class-conditional prior for the codes of a run.</summary>
internal static class PriorVerb
{
    public static Command Create()
    {
        var runArgument = new Argument<string>("RUN") { Description = "A run of --model vqvae or vqvae2 whose images have labels." };
        var level = VerbOptions.Among([PriorJob.Top, PriorJob.Bottom], new Option<string>("--level")
        {
            Description = "Whose codes: the top level's, by attention, or the bottom level's, by convolutions that know the top level.",
            Required = true,
        });
        var width = VerbOptions.Count("--width", 128, 2, "Numbers per position.");
        var depth = VerbOptions.Count("--depth", 4, 1, "Layers.");
        var heads = VerbOptions.Count("--heads", 4, 1, "Heads of each attention.");
        var dropout = VerbOptions.AtLeast(0, new Option<double>("--label-dropout")
        {
            Description = "Share of images whose class is hidden in training.",
            DefaultValueFactory = _ => 0.1,
        });
        var batch = VerbOptions.Count("--batch", 64, 1, "Images per step.");
        var learningRate = VerbOptions.Positive(new Option<double>("--learning-rate")
        {
            Description = "The largest step size; it falls to 0 along half a cosine.",
            DefaultValueFactory = _ => 1e-3,
        });
        var warmUp = VerbOptions.Count("--warm-up", 100, 0, "Steps in which the learning rate rises from 0.");
        var steps = VerbOptions.AtLeast(1, new Option<long>("--steps") { Description = "Training steps.", DefaultValueFactory = _ => 5000 });
        var seed = VerbOptions.Seed();
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var logEvery = VerbOptions.Count("--log-every", 50, 1, "Steps between lines of metrics.jsonl.");
        var checkpointEvery = VerbOptions.Count("--checkpoint-every", 500, 1, "Steps between checkpoints.");
        var json = VerbOptions.Json();
        var command = new Command(
            "prior", "Trains a class-conditional prior for the codes of a run, in RUN/prior-LEVEL, and exports it beside the decoder. Training that was stopped continues when the same command is given again. Example: onnxvae prior runs/digits --level top")
        {
            runArgument, level, width, depth, heads, dropout, batch, learningRate, warmUp, steps, seed, device, threads, logEvery, checkpointEvery, json,
        };
        command.SetCancellableAction(async (result, cancellation) =>
        {
            var job = PriorJob.Open(RunFolder.Open(result.GetValue(runArgument)!), new PriorOptions
            {
                Level = result.GetValue(level)!,
                Width = result.GetValue(width),
                Depth = result.GetValue(depth),
                Heads = result.GetValue(heads),
                LabelDropout = result.GetValue(dropout),
                Batch = result.GetValue(batch),
                LearningRate = result.GetValue(learningRate),
                WarmUp = result.GetValue(warmUp),
                Steps = result.GetValue(steps),
                Seed = result.GetValue(seed),
                Device = result.GetValue(device)!,
                Threads = result.GetValue(threads),
                LogEvery = result.GetValue(logEvery),
                CheckpointEvery = result.GetValue(checkpointEvery),
            });
            if (await job.RunAsync(cancellation) is not var (train, test))
            {
                return CommandLine.Interrupted;
            }

            double uniform = (double)JsonNode.Parse(File.ReadAllText(Path.Combine(job.Run.Package, "manifest.json")))!["model"]!["uniformNllPerCode"]!;
            var figures = test.ToJson();
            (figures["trainPriorNllPerCode"], figures["uniformNllPerCode"]) = (train.Further["priorNllPerCode"], uniform);
            if (result.GetValue(json))
            {
                Console.WriteLine(figures.ToJsonString());
                return 0;
            }

            FiguresTable.Print($"Prior of the {job.Options.Level} level on the test split", figures);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Report    {job.Run.Report}"));
            return 0;
        });
        return command;
    }
}
