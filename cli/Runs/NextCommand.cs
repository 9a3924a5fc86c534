using System.Text.Json.Nodes;
using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>The command that a user is likely to want next.</summary>
internal static class NextCommand
{
    /// <summary>Prints a command, unless results alone are wanted.</summary>
    /// <param name="command">The command.</param>
    public static void Print(string command)
    {
        if (!Notice.IsQuiet)
        {
            Console.WriteLine($"Next      {command}");
        }
    }

    /// <summary>After training a model: images, or first a prior if latents are codes.</summary>
    /// <param name="run">The model's run.</param>
    /// <param name="figures">Its metrics.</param>
    /// <param name="hasMixture">Whether a mixture was fitted to its latents.</param>
    /// <param name="data">Its images, and what it is conditional on.</param>
    public static string AfterModel(RunFolder run, JsonObject figures, bool hasMixture, DataOptions data)
    {
        if (figures.ContainsKey("verdict"))
        {
            return $"onnxvae colorize {Quoted(run.Path)} --data {Quoted(data.Data)} --split test --count 16 --out {Quoted(Path.Combine(run.Path, "colored"))}";
        }

        string prior = hasMixture ? " --prior mixture" : "";
        if (TrainingPackage.Open(run.Package).Table is { } table)
        {
            return (double?)figures["observedValues"] < table.Columns.Count && File.Exists(data.Data) && File.Exists(Path.Combine(run.Export, ExportedFiles.Imputer))
                ? $"onnxvae impute {Quoted(run.Path)} --data {Quoted(data.Data)}{data.Table.ForModel().ToArguments()}{(data.SkipCorrupt ? " --skip-corrupt" : "")}{Given(data)} --out {Quoted(Path.Combine(run.Path, $"complete{Path.GetExtension(data.Data)}"))}"
                : Generate(run, $"{prior}{Given(data)}", "rows");
        }

        return LevelsOf(figures) is [var first, ..] ? Prior(run, first) : (figures.ContainsKey("unknownValues") ? ConditionKinds.Mask : data.Condition) switch
        {
            ConditionKinds.Mask => $"onnxvae generate {Quoted(run.Path)}{prior} --data {Quoted(data.Data)} --split test --out {Quoted(Path.Combine(run.Path, "completions"))}",
            null or ConditionKinds.Label => Generate(run, prior, "images"),
            var file => Generate(run, $"{prior} --condition {Quoted(file)}", "images"),
        };
    }


    /// <summary>After training a prior: that of the other level, or images.</summary>
    /// <param name="run">The model's run.</param>
    /// <param name="levels">The levels of the model's codes.</param>
    /// <param name="classes">The classes of its images.</param>
    public static string AfterPrior(RunFolder run, IReadOnlyList<string> levels, IReadOnlyList<string> classes) =>
        MissingOf(run, levels) is { } missing ? Prior(run, missing) : Generate(run, ClassOf(classes), "images");

    /// <summary>After training a classifier: the best of several images, or first a prior; null if there are no codes to draw.</summary>
    /// <param name="run">The model's run.</param>
    /// <param name="classes">The classes of its images.</param>
    public static string? AfterClassifier(RunFolder run, IReadOnlyList<string> classes) =>
        !File.Exists(run.Evaluation) || LevelsOf(JsonNode.Parse(RegularFile.ReadText(run.Evaluation))!.AsObject()) is not { Length: > 0 } levels ? null
        : MissingOf(run, levels) is { } missing ? Prior(run, missing)
        : Generate(run, $"{ClassOf(classes)} --classifier {Quoted(Path.Combine(run.Export, ExportedFiles.Classifier))} --candidates 4", "chosen");

    /// <summary>After fitting a mixture: images drawn from it.</summary>
    /// <param name="run">The model's run.</param>
    public static string AfterMixture(RunFolder run) => Generate(run, " --prior mixture", "mixture");

    /// <summary>After compiling a package: its training.</summary>
    /// <param name="package">The package's folder.</param>
    /// <param name="data">The images that it was compiled for.</param>
    /// <param name="length">The length of the training.</param>
    public static string AfterPackage(string package, DataOptions data, LengthOptions length) =>
        $"onnxvae train --package {Quoted(package)} --data {Quoted(data.Data)}"
        + (data.ImageSize is { } side ? $" --image-size {side}" : "")
        + (data.Channels is { } channels ? $" --channels {channels}" : "")
        + (data.Layout is { } layout ? $" --layout {layout}" : "")
        + (data.Window is { } window ? $" --window {window}" : "")
        + data.Table.ForModel().ToArguments()
        + (data.SkipCorrupt ? " --skip-corrupt" : "")
        + (data.Binarize ? " --binarize" : "")
        + (Conditions.IsFile(data.Condition) ? $" --condition {Quoted(data.Condition)}" : "")
        + (length.Epochs is { } epochs ? $" --epochs {epochs}" : $" --steps {length.Steps}");

    private static string Given(DataOptions data) => Conditions.IsFile(data.Condition) ? $" --condition {Quoted(data.Condition)}" : "";

    // Pictures in a folder of their own, rows in a table, other numbers in an array.
    private static string Generate(RunFolder run, string options, string name)
    {
        var package = TrainingPackage.Open(run.Package);
        string ending = package.Table is not null ? JobPaths.CsvExtension : package is { TakesUnitRange: true, Manifest.Step.ExampleShape.IsImage: true } ? "" : JobPaths.NpyExtension;
        string grid = package.Table is not null ? "" : $" --grid {Quoted(Path.Combine(run.Path, $"{name}.png"))}";
        return $"onnxvae generate {Quoted(run.Path)}{options} --count 64 --out {Quoted(Path.Combine(run.Path, $"{name}{ending}"))}{grid}";
    }

    private static string Prior(RunFolder run, string level) => $"onnxvae prior {Quoted(run.Path)} --level {level}";

    private static string[] LevelsOf(JsonObject figures) => [.. ((string[])[CodeLevel.Top, CodeLevel.Bottom]).Where(level => figures.ContainsKey($"perplexity{char.ToUpperInvariant(level[0])}{level[1..]}"))];

    private static string? MissingOf(RunFolder run, IEnumerable<string> levels) => levels.FirstOrDefault(level => !File.Exists(Path.Combine(run.Export, $"prior_{level}.onnx")));

    private static string ClassOf(IReadOnlyList<string> classes) => classes.Count == 0 ? "" : $" --class {Quoted(classes[0])}";

    /// <summary>A word quoted for shells.</summary>
    public static string Quoted(string text) => text.All(character => char.IsLetterOrDigit(character) || "/._-:\\".Contains(character, StringComparison.Ordinal)) && text.Length > 0 ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
