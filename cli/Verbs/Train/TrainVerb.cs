using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Train;

/// <summary>Compiles, trains, evaluates, exports and reports.</summary>
[Verb("train", VerbTopic.Train, "Trains a VAE.", Details = "Compiles it, trains, evaluates on the test split, and exports encoder.onnx, decoder.onnx and scorer.onnx; of tables also imputer.onnx.",
    Example = "train --data sprites --out runs/sprites --steps 2000")]
internal sealed class TrainVerb : TrainingVerb<TrainOptions>
{
    protected override async Task<int> RunAsync(TrainOptions options, Ranks ranks, CancellationToken cancellation)
    {
        var given = options.Run.Resolve();
        using var training = options.Resume
            ? AutoencoderRun.Resume(options.Out!, given, Options.Given.Names, ranks, stored => RequireSame(given, stored, Options.Given.Names))
            : AutoencoderRun.Start(options.Out ?? FreeFolder(options.Run.Data.Data), given, ranks);
        if (await training.RunAsync(cancellation) is not { } figures)
        {
            return ExitCode.Interrupted;
        }

        Print(training, figures.ToJson(), options.Json);
        return ExitCode.Done;
    }

    // Options given when resuming a run must equal those that it was started with, except for those that may change.
    private static void RequireSame(RunOptions given, RunOptions stored, IEnumerable<string> names)
    {
        var now = StoredOptions.Flatten(given);
        var compared = names.Select(OptionNames.InFile).Where(name => now.ContainsKey(name));
        if (StoredOptions.Differences(now, StoredOptions.Flatten(stored), compared, except: RunChanges.AllowedFor(stored, given).Select(OptionNames.InFile)).FirstOrDefault() is { } difference)
        {
            throw new UsageException(
                $"{OptionNames.OfProperty(difference.Name)} is {difference.Here}, but the run was started with {difference.There?.ToString() ?? "none"}: leave it out to resume, or start a new run in another folder.");
        }
    }

    // The first of runs/digits, runs/digits-2, ... that does not exist.
    private static string FreeFolder(string data)
    {
        string name = Path.Combine("runs", Path.GetFileName(Path.TrimEndingDirectorySeparator(data)).Split('.') is [{ Length: > 0 } stem, ..] ? stem : "run"), folder = name;
        for (int number = 2; Path.Exists(folder) && !new RunFolder(folder).IsEmpty; number++)
        {
            folder = $"{name}-{number}";
        }

        return folder;
    }

    private static void Print(AutoencoderRun training, JsonObject figures, bool json)
    {
        var run = training.Folder;
        if (json)
        {
            Console.WriteLine(figures.ToJsonString());
            return;
        }

        FiguresTable.Print("Metrics on the test split, nats per image", figures);
        string[] files = [.. ((string[])[ExportedFiles.Encoder, ExportedFiles.Decoder, ExportedFiles.Scorer, ExportedFiles.Imputer, ExportedFiles.Mixture, ExportedFiles.Colorizer]).Select(file => Path.Combine(run.Export, file)).Where(File.Exists)];
        Console.WriteLine($"Exported  {string.Join(", ", files)}");
        Console.WriteLine($"Report    {run.Report}");
        NextCommand.Print(NextCommand.AfterModel(run, figures, HasMixture(run), training.Data));
    }

    private static bool HasMixture(RunFolder run) => File.Exists(Path.Combine(run.Export, ExportedFiles.Mixture));
}
