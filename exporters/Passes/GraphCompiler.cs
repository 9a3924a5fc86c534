using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Files;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Passes;

/// <summary>Compiles graphs of values into ONNX models of standard operators: the passes in order, then the writer.</summary>
public static class GraphCompiler
{
    /// <summary>Builds a model.</summary>
    /// <param name="name">The graph's name.</param>
    /// <param name="inputs">The graph inputs in order; ones that no output needs are left out.</param>
    /// <param name="outputs">The graph outputs in order, by name.</param>
    /// <param name="target">What the model is compiled for, which determines the algorithms of its primitives; deployment if left out.</param>
    /// <exception cref="ArgumentException">An output depends on an input that is not listed, or a name occurs twice.</exception>
    /// <exception cref="NotSupportedException">The target's provider has no kernel for a node; the message names its layer.</exception>
    public static OnnxModel Build(string name, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs, CompilationTarget? target = null) =>
        OnnxModelWriter.Write(name, inputs, RunPasses(outputs, target ?? CompilationTarget.Deployment));

    /// <summary>
    /// Builds a deployable model, for any runtime and, if it has convolutions, with the fastest algorithms for each execution provider whose
    /// costs have been measured, for batches of <see cref="CompilationTarget.ImagesAtATime"/>.
    /// </summary>
    /// <inheritdoc cref="Build"/>
    public static DeployableModel BuildDeployable(string name, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs)
    {
        var anyRuntime = Build(name, inputs, outputs);
        bool hasConvolutions = anyRuntime.OperatorCounts.ContainsKey("Conv") || anyRuntime.OperatorCounts.ContainsKey("ConvTranspose");
        return new DeployableModel(anyRuntime, !hasConvolutions ? new Dictionary<string, OnnxModel>() : CostTable.Providers.ToDictionary(
            provider => provider, provider => Build(name, inputs, outputs, CompilationTarget.Deployment with { Provider = provider })));
    }

    /// <summary>Named outputs, lowered to standard operators.</summary>
    internal static IReadOnlyList<(string Name, Value Value)> RunPasses(IReadOnlyList<(string Name, Value Value)> outputs, CompilationTarget target) =>
        [.. outputs.Zip(RunPasses([.. outputs.Select(output => output.Value)], target), (output, result) => (output.Name, result))];

    // Each pass rebuilds the graph; the order matters: scales fold into kernels before kernels are transformed, and duplicates and missing kernels are known only at the end.
    private static IReadOnlyList<Value> RunPasses(IReadOnlyList<Value> outputs, CompilationTarget target)
    {
        var chooser = new ConvolutionChooser(target);
        var foldedScales = target.Goal == CompilationGoal.Deployment ? ChannelScales.Fold(outputs) : outputs;
        var pixelMajor = chooser.GainsByPixelMajor(foldedScales) ? PixelMajorPass.Apply(foldedScales, chooser) : foldedScales;
        var standardOperators = PrimitiveLowering.Lower(pixelMajor, chooser);
        var merged = CommonSubexpressions.Merge(standardOperators);
        return MissingKernels.Replace(merged, target.Provider);
    }
}
