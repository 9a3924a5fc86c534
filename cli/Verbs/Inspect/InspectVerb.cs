using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.OnnxRuntimeTraining;
using OnnxVae.Training.Runs;
using Spectre.Console;

namespace OnnxVae.Cli.Verbs.Inspect;

/// <summary>Shows what is in a file, a package or a run.</summary>
[Verb("inspect", VerbTopic.Look, "Lists inputs, outputs, states, metrics, operators and metadata.", Example = "inspect runs/sprites")]
internal sealed class InspectVerb : Verb<InspectOptions>
{
    private const int PlainWidth = 120;

    protected override Task<int> RunAsync(InspectOptions options)
    {
        Print(options.Target);
        return Task.FromResult(ExitCode.Done);
    }

    private static void Print(string target)
    {
        if (File.Exists(target) && RuntimeCheckpoint.IsIn(target))
        {
            PrintCheckpoint(RuntimeCheckpoint.Load(target));
            return;
        }

        if (!Directory.Exists(target))
        {
            PrintModel(OnnxModel.Load(target));
            return;
        }

        if (new RunFolder(target) is { HoldsRun: true } run)
        {
            PrintPackage(TrainingPackage.Open(run.Package));
            return;
        }

        if (!TrainingPackage.IsIn(target) && Directory.EnumerateFiles(target, "*.onnx").Order(StringComparer.Ordinal).FirstOrDefault() is { } model)
        {
            throw new UsageException($"'{target}' holds exported models and no training package: name one of them, as in '{model}'.");
        }

        PrintPackage(TrainingPackage.Open(target));
    }

    private static void PrintPackage(TrainingPackage package)
    {
        var manifest = package.Manifest;
        Print("Model", ["", ""], manifest.Model.Select(entry => (string[])[entry.Key, Text(entry.Value)]));
        Print("Training", ["", ""], manifest.Training.Select(entry => (string[])[entry.Key, Text(entry.Value)]));
        Print("States", ["name", "type", "shape", "role", "elements"], manifest.States.Select(state =>
            (string[])[state.Name, $"{state.Type}", $"{state.Shape}", $"{state.Role}", $"{state.Shape.ElementCount}"]));
        foreach (var program in manifest.Programs)
        {
            Print($"{program.File}: inputs", ["name", "type", "shape", "role"], program.Inputs.Select(input =>
                (string[])[input.Name, $"{input.Type}", $"{input.Shape}", input.Schedule is { } schedule ? $"{schedule}" : $"{input.Role}"]));
            Print($"{program.File}: metrics", ["name", "type", "shape", "role"], program.Metrics.Select(metric =>
                (string[])[metric.Name, $"{metric.Type}", $"{metric.Shape}", $"{metric.Role}"]));
            Print($"{program.File}: reads {program.States.Count} states, changes {program.Updates.Count}; operators", ["operator", "nodes"], Operators(OnnxModel.Load(package.PathOf(program.File))));
        }

        Print("Deployed after training", ["role", "file"], manifest.Deployables.Select(entry => (string[])[entry.Key, string.Join(", ", entry.Value.Tuned.Values.Prepend(entry.Value.File))]));
    }

    private static void PrintCheckpoint(RuntimeCheckpoint checkpoint)
    {
        Print("Checkpoint of ONNX Runtime Training", ["", ""], checkpoint.Moments.Count == 0 ? [["optimizer", "not saved"]]
            : [["step", $"{checkpoint.Step}"], ["learning rate", string.Create(CultureInfo.InvariantCulture, $"{checkpoint.LearningRate}")]]);
        Print("Parameters", ["name", "type", "shape", "role", "moments"], checkpoint.Trained.Select(entry => Row(entry, "trained")).Concat(checkpoint.Frozen.Select(entry => Row(entry, "frozen"))));

        string[] Row(KeyValuePair<string, Tensor> entry, string role) =>
            [entry.Key, $"{entry.Value.Type}", $"{entry.Value.Shape}", role, $"{(checkpoint.Moments.TryGetValue(entry.Key, out var moments) ? moments.Count : 0)}"];
    }

    private static void PrintModel(OnnxModel model)
    {
        Print("Inputs", ["name", "type", "shape"], model.Inputs.Select(Row));
        Print("Outputs", ["name", "type", "shape"], model.Outputs.Select(Row));
        Print("Operators", ["operator", "nodes"], Operators(model));
        Print("Stored tensors", ["name", "type", "shape"], model.Initializers.Select(Row));
        Print("Metadata", ["key", "value"], model.Metadata.Select(entry => (string[])[entry.Key, entry.Value]));
        Print("Operator sets", ["domain", "version"], model.OperatorSets.Select(entry => (string[])[entry.Key, $"{entry.Value}"]));
    }

    private static string Text(JsonNode? value) => value is JsonValue ? value.ToString() : value?.ToJsonString() ?? "";

    private static string[] Row(ModelTensor tensor) => [tensor.Name, tensor.IsSequence ? $"sequence of {tensor.Type}" : $"{tensor.Type}", $"{tensor.Shape}"];

    private static IEnumerable<string[]> Operators(OnnxModel model) => model.OperatorCounts
        .Select(entry => (string[])[entry.Key, $"{entry.Value}"]).Append(["all", $"{model.OperatorCounts.Values.Sum()}"]);

    private static void Print(string title, string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Title = new TableTitle(Markup.Escape(title)), Border = TableBorder.Rounded, ShowHeaders = columns.Any(column => column.Length > 0) };
        table.AddColumns([.. columns.Select(Markup.Escape)]);
        foreach (string[] row in rows)
        {
            table.AddRow([.. row.Select(text => Markup.Escape(TerminalWriter.Clean(text)))]);
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = PlainWidth;
        }

        console.Write(table);
    }
}
