using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Modules;

/// <summary>A TorchSharp module with one input and one result that defines its own lowering to operators.</summary>
public interface ILowerable
{
    /// <summary>What the module's <c>forward</c> computes, as a graph.</summary>
    /// <param name="lowering">Lowers the module's children and finds its parameters.</param>
    /// <param name="x">The input.</param>
    Value Lower(ModuleLowering lowering, Value x);
}

/// <summary>A TorchSharp module with several inputs or results that defines its own lowering to operators.</summary>
public interface IMultiLowerable
{
    /// <summary>What the module's <c>forward</c> computes, as a graph.</summary>
    /// <param name="lowering">Lowers the module's children and finds its parameters.</param>
    /// <param name="inputs">The arguments of <c>forward</c>, in order.</param>
    /// <returns>The results, in order.</returns>
    IReadOnlyList<Value> Lower(ModuleLowering lowering, IReadOnlyList<Value> inputs);
}
