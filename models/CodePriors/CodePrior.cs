using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;

namespace OnnxVae.Models.CodePriors;

/// <summary>
/// P(codes | class, level above): an autoregressive model of a grid of codes, row by row. Its networks have a graph for training, over all
/// positions at once, and graphs for sampling, which process one position after another and cache what later ones need.
/// </summary>
public abstract class CodePrior : ComposedModule
{
    private protected CodePrior(string name, CodeGridShape grid, int classes)
        : base(name) => (Grid, Classes) = (grid, classes);

    /// <summary>The grid whose codes are modeled.</summary>
    public CodeGridShape Grid { get; }

    /// <summary>C, the number of classes; the class C stands for none.</summary>
    public int Classes { get; }

    /// <summary>The logits of each code, given those before it.</summary>
    /// <param name="lowering">Lowers the networks.</param>
    /// <param name="codes">Int64 [N, H, W].</param>
    /// <param name="label">The images' classes, Int64 [N].</param>
    /// <param name="known">The codes of the level above, Int64 [N, H / 2, W / 2]; null for the top level.</param>
    /// <returns>Float32 [N, H W, K].</returns>
    public abstract Value Logits(ModuleLowering lowering, Value codes, Value label, Value? known);

    /// <summary>The graphs for sampling, by their names.</summary>
    /// <param name="lowering">Lowers the networks.</param>
    public abstract IEnumerable<SamplingGraph> SamplingGraphs(ModuleLowering lowering);
}

/// <summary>A sampling step. State carried to the next step leaves as <c>NAME.next</c> and comes back as <c>NAME</c>, zeros at first.</summary>
/// <param name="Name">The graph's name among the deployed ones, after that of the level.</param>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Outputs">Its results, by name.</param>
public sealed record SamplingGraph(string Name, IReadOnlyList<Value> Inputs, IReadOnlyList<(string Name, Value Value)> Outputs);
