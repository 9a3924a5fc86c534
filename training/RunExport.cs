using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;

namespace OnnxVae.Training;

/// <summary>Bakes trained states into the graphs of a package that are to be deployed.</summary>
public static class RunExport
{
    /// <summary>The file of a mixture that was fitted to a model's latents, beside its decoder.</summary>
    public const string MixtureFile = "mixture.onnx";

    private static readonly string[] CodePriorFiles = ["prior_top.onnx", "prior_bottom.onnx", "prior_bottom_condition.onnx", "prior_bottom_row.onnx"];

    private static readonly string[] FilesOfOneModel = ["prior.onnx", "density.onnx", MixtureFile, .. CodePriorFiles];

    /// <summary>A deployable graph with its weights.</summary>
    /// <param name="package">The package.</param>
    /// <param name="role">Which graph: <c>encoder</c>, <c>decoder</c>.</param>
    /// <param name="states">The states, by name.</param>
    /// <param name="provider">The execution provider whose fastest forms are taken, for batches; null for operators that any runtime knows.</param>
    public static OnnxModel Bake(TrainingPackage package, string role, IReadOnlyDictionary<string, Tensor> states, string? provider = null)
    {
        var model = package.ReadDeployable(role);
        return (provider is null ? model : Retarget(model, provider)).Bake(states);
    }

    /// <summary>The same encoder or decoder in the forms that are fastest on a provider, for <see cref="ExpansionTarget.ImagesAtATime"/> images.</summary>
    /// <param name="model">A graph to be deployed, without its weights.</param>
    /// <param name="provider">The execution provider.</param>
    public static OnnxModel Retarget(OnnxModel model, string provider)
    {
        var metadata = model.Metadata;
        if (model.OperatorCounts.ContainsKey("Conv") || model.OperatorCounts.ContainsKey("ConvTranspose"))
        {
            metadata = metadata.SetItem("onnxvae.imagesAtATime", $"{ExpansionTarget.ImagesAtATime}");
        }

        return OnnxGraph.Read(model).ToModel(ExpansionTarget.Deployment with { Provider = provider }).WithMetadata(metadata);
    }

    /// <summary>Writes all of them into a folder; what was exported there before and belongs to another model, or to other weights, goes.</summary>
    /// <inheritdoc cref="Bake"/>
    /// <returns>The files.</returns>
    public static IReadOnlyList<string> Write(TrainingPackage package, IReadOnlyDictionary<string, Tensor> states, string folder, string? provider = null)
    {
        Directory.CreateDirectory(folder);
        foreach (string stale in FilesOfOneModel.Except(package.Manifest.Deployables.Values))
        {
            File.Delete(Path.Combine(folder, stale));
        }

        var files = new List<string>();
        foreach (var (role, name) in package.Manifest.Deployables.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            string file = Path.Combine(folder, name);
            Bake(package, role, states, provider).Save(file);
            files.Add(file);
        }

        return files;
    }
}
