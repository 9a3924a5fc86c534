using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Modules;

/// <summary>A TorchSharp module that says itself how it is written as operators.</summary>
public interface ILowerable
{
    /// <summary>What the module's <c>forward</c> computes, as a graph.</summary>
    /// <param name="lowering">Lowers the module's children and finds its parameters.</param>
    /// <param name="x">The input.</param>
    Value Lower(ModuleLowering lowering, Value x);
}
