using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>How a module is exported.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>Names of the outputs, one for each output of the module.</summary>
    public IReadOnlyList<string> OutputNames { get; init; } = ["output"];

    /// <summary>
    /// Whether the file computes what the module does in training mode: dropout then takes its noise, uniform in [0, 1), from
    /// further inputs, and batch normalization uses the batch's own statistics.
    /// </summary>
    public bool Training { get; init; }

    /// <summary>Entries for the file's metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>How layers are lowered.</summary>
    public LayerTable Layers { get; init; } = LayerTable.Default;

    /// <summary>Whether large weights go to a second file next to the first; above 2 GiB they always do.</summary>
    public bool ExternalData { get; init; }
}

/// <summary>Writes TorchSharp modules as ONNX files that any ONNX Runtime can run.</summary>
public static class OnnxExporter
{
    /// <summary>Exports a module with one Float32 input, named <c>input</c>.</summary>
    /// <param name="module">The module, with its current weights.</param>
    /// <param name="inputShape">The input's shape; <see cref="Shape.Batch"/> in it stands for any number of rows.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Names, metadata, mode.</param>
    /// <inheritdoc cref="Export(Module, IReadOnlyList{ModelTensor}, string, OnnxExportOptions?)" path="/returns"/>
    /// <inheritdoc cref="Build" path="/exception"/>
    public static OnnxModel Export(Module module, Shape inputShape, string path, OnnxExportOptions? options = null) =>
        Export(module, [new ModelTensor("input", ElementType.Float32, inputShape)], path, options);

    /// <summary>Exports a module with any inputs.</summary>
    /// <param name="module">The module, with its current weights.</param>
    /// <param name="inputs">Names, types and shapes of the arguments of its <c>forward</c>.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">Names, metadata, mode.</param>
    /// <returns>The model that was written.</returns>
    /// <inheritdoc cref="Build" path="/exception"/>
    public static OnnxModel Export(Module module, IReadOnlyList<ModelTensor> inputs, string path, OnnxExportOptions? options = null)
    {
        options ??= new OnnxExportOptions();
        var model = Build(module, inputs, options);
        model.Save(path, options.ExternalData);
        return model;
    }

    /// <summary>The model that <see cref="Export(Module, IReadOnlyList{ModelTensor}, string, OnnxExportOptions?)"/> writes.</summary>
    /// <exception cref="NotSupportedException">A layer or one of its settings has no lowering.</exception>
    /// <exception cref="ArgumentException">The inputs do not fit the module, or the names do not fit its outputs.</exception>
    public static OnnxModel Build(Module module, IReadOnlyList<ModelTensor> inputs, OnnxExportOptions? options = null)
    {
        options ??= new OnnxExportOptions();
        var lowering = new ModuleLowering(module, options.Layers);
        lowering = options.Training ? lowering.ForTraining() : lowering;
        Value[] arguments = [.. inputs.Select(input => Value.Input(input.Name, input.Type, input.Shape))];
        var outputs = lowering.LowerAll(module, arguments);
        if (outputs.Count < options.OutputNames.Count)
        {
            throw new ArgumentException($"{module.GetType().Name} has {outputs.Count} output(s), but {options.OutputNames.Count} names are given: {string.Join(", ", options.OutputNames)}.");
        }

        var needed = GraphOrder.Of(outputs.Take(options.OutputNames.Count)).ToHashSet();
        if (Array.Find(arguments, argument => !needed.Contains(argument)) is { } unneeded)
        {
            throw new ArgumentException($"Input '{unneeded.Name}' does not affect the outputs ({string.Join(", ", options.OutputNames)}) of {module.GetType().Name}, so that the file would not have it: leave it out, or name the output that depends on it.");
        }

        return GraphCompiler
            .Build(
                module.GetType().Name,
                [.. arguments, .. lowering.Noise.Select(input => input.Value), .. lowering.States.Select(state => state.Current)],
                [.. options.OutputNames.Zip(outputs)])
            .Bake(lowering.States.ToDictionary(state => state.Spec.Name, state => state.Initial))
            .WithMetadata(options.Metadata);
    }
}
