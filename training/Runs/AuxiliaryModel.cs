using System.Text.Json.Nodes;
using OnnxVae.Format;

namespace OnnxVae.Training.Runs;

/// <summary>
/// A model that is trained for a run's autoencoder and exported next to it: a prior of its codes, a classifier of its images. Its package's
/// description records what it was made for.
/// </summary>
public static class AuxiliaryModel
{
    /// <summary>Whether a package was made for the weights that a run has exported, or for any weights.</summary>
    /// <param name="package">The auxiliary model's package.</param>
    /// <param name="autoencoder">The run of the autoencoder.</param>
    /// <exception cref="FileNotFoundException">The run has exported no encoder.</exception>
    public static bool IsForWeights(TrainingPackage package, RunFolder autoencoder) =>
        package.Manifest.Model["weights"] is not JsonValue weights || RunExport.WeightsOf(Path.Combine(autoencoder.Export, ExportedFiles.Encoder)) == weights.ToString();

    /// <summary>Whether a package was made for images of these classes.</summary>
    /// <param name="package">The auxiliary model's package.</param>
    /// <param name="classes">The classes' names.</param>
    public static bool IsForClasses(TrainingPackage package, IReadOnlyList<string> classes) =>
        package.Classes.SequenceEqual(classes);

    /// <summary>Writes the deployable graphs, with their weights, next to encoder and decoder.</summary>
    /// <param name="package">The auxiliary model's package.</param>
    /// <param name="states">Its states, by name.</param>
    /// <param name="autoencoder">The run of the autoencoder.</param>
    public static void Export(TrainingPackage package, IReadOnlyDictionary<string, Tensor> states, RunFolder autoencoder)
    {
        foreach (var (role, graph) in package.Manifest.Deployables)
        {
            package.ReadDeployable(role).Bake(states).Save(Path.Combine(autoencoder.Export, graph.File));
        }
    }
}
