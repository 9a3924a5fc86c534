using System.Text.Json.Nodes;
using OnnxVae.Cli.Companions;
using OnnxVae.Training;

namespace OnnxVae.Cli;

/// <summary>The command that a user is likely to want next.</summary>
internal static class NextCommand
{
    /// <summary>After a model was trained: images, or a prior first where latents are codes.</summary>
    /// <param name="run">The model's run.</param>
    /// <param name="figures">Its figures.</param>
    public static string AfterModel(RunFolder run, JsonObject figures) =>
        figures.ContainsKey("perplexityTop") ? Prior(run, PriorCompilation.Top)
        : figures.ContainsKey("perplexityBottom") ? Prior(run, PriorCompilation.Bottom)
        : $"onnxvae generate {Quoted(run.Path)} --count 64 --out images --grid grid.png";

    /// <summary>After a prior was trained: that of the other level, or images.</summary>
    /// <param name="run">The model's run.</param>
    /// <param name="levels">The levels of the model's codes.</param>
    /// <param name="classes">The classes of its images.</param>
    public static string AfterPrior(RunFolder run, IReadOnlyList<string> levels, IReadOnlyList<string> classes) =>
        levels.FirstOrDefault(level => !File.Exists(Path.Combine(run.Export, $"prior_{level}.onnx"))) is { } missing
            ? Prior(run, missing)
            : $"onnxvae generate {Quoted(run.Path)}{ClassOf(classes)} --count 64 --out images --grid grid.png";

    /// <summary>After a classifier was trained: the best of several images.</summary>
    /// <param name="run">The model's run.</param>
    /// <param name="classes">The classes of its images.</param>
    public static string AfterClassifier(RunFolder run, IReadOnlyList<string> classes) =>
        $"onnxvae generate {Quoted(run.Path)}{ClassOf(classes)} --classifier {Quoted(Path.Combine(run.Export, RunExport.ClassifierFile))} --candidates 4 --count 64 --out images --grid grid.png";

    private static string Prior(RunFolder run, string level) => $"onnxvae prior {Quoted(run.Path)} --level {level}";

    private static string ClassOf(IReadOnlyList<string> classes) => classes.Count == 0 ? "" : $" --class {Quoted(classes[0])}";

    private static string Quoted(string text) => text.All(character => char.IsLetterOrDigit(character) || "/._-:\\".Contains(character, StringComparison.Ordinal)) && text.Length > 0 ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
