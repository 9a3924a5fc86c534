using System.Text.Json.Nodes;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Companions;

/// <summary>What the package of a companion says that it was made for.</summary>
internal static class CompanionPackage
{
    /// <summary>Whether it was made for the weights that a run has exported, or for any.</summary>
    /// <param name="description">The manifest's description of the model.</param>
    /// <param name="run">The run.</param>
    public static bool IsForWeights(JsonObject description, RunFolder run) =>
        description["weights"] is not JsonValue weights || RunExport.WeightsOf(Path.Combine(run.Export, "encoder.onnx")) == weights.ToString();

    /// <summary>Whether it was made for images of some classes.</summary>
    /// <param name="description">The manifest's description of the model.</param>
    /// <param name="classes">The classes' names.</param>
    public static bool IsForClasses(JsonObject description, IReadOnlyList<string> classes) =>
        description["classes"] is JsonArray names && names.Select(name => name?.ToString()).SequenceEqual(classes);
}
