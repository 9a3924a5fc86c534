using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using TorchSharp;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>
/// Turns the modules of a TorchSharp network into graphs. Every parameter is a state under its TorchSharp name; lowering a
/// module twice gives two graphs over the same parameters.
/// </summary>
public sealed class ModuleLowering
{
    private readonly Dictionary<Module, string> paths = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<IntPtr, State> parameters = [];

    /// <summary>Reads names and values of a network's parameters.</summary>
    /// <param name="network">The outermost module; names and paths are relative to it.</param>
    /// <exception cref="NotSupportedException">A parameter is not Float32.</exception>
    public ModuleLowering(Module network)
    {
        ArgumentNullException.ThrowIfNull(network);
        AddPaths(network, "");
        foreach (var (name, parameter) in network.named_parameters())
        {
            parameters.Add(parameter.Handle, State.Create(
                name, parameter.requires_grad ? StateRole.Parameter : StateRole.Frozen, TorchTensors.Copy(name, parameter)));
        }
    }

    /// <summary>The parameters, in TorchSharp's order.</summary>
    public IReadOnlyList<State> Parameters => [.. parameters.Values];

    /// <summary>What a module's <c>forward</c> computes, as a graph whose nodes carry the module's path.</summary>
    /// <exception cref="NotSupportedException">There is no lowering for the module's type or its settings.</exception>
    /// <exception cref="ArgumentException">The input does not fit the module.</exception>
    public Value Lower(Module module, Value x)
    {
        if (!paths.TryGetValue(module, out var path))
        {
            throw new ArgumentException($"Module {module.GetType().Name} is no part of the network that is being lowered: register it as a sub-module.");
        }

        Value y;
        if (module is ILowerable lowerable)
        {
            y = lowerable.Lower(this, x);
        }
        else if (Layers.Rules.TryGetValue(module.GetType(), out var rule))
        {
            y = Explain(module, path, () => rule(this, module, x));
        }
        else
        {
            throw new NotSupportedException(
                $"{module.GetType().Name} '{path}' has no lowering. Implement {nameof(ILowerable)} on it, or compose it of supported layers: {string.Join(", ", Layers.Rules.Keys.Select(type => type.Name).Order())}.");
        }

        Node.LabelBetween([x], [y], _ => path);
        return y;
    }

    /// <summary>A parameter's current value.</summary>
    /// <exception cref="ArgumentException">The tensor is no parameter of the network.</exception>
    public Value Parameter(torch.Tensor parameter) => parameters.TryGetValue(parameter.Handle, out var state)
        ? state.Current
        : throw new ArgumentException("The tensor is not among the network's named parameters: register it as a parameter.");

    private void AddPaths(Module module, string path)
    {
        paths.TryAdd(module, path);
        foreach (var (name, child) in module.named_children())
        {
            AddPaths(child, path.Length == 0 ? name : $"{path}.{name}");
        }
    }

    // Sequential is a layer too, so an explanation may pass through several modules: the innermost one has explained it.
    private static Value Explain(Module module, string path, Func<Value> lower)
    {
        try
        {
            return lower();
        }
        catch (ArgumentException e) when (e is not LoweringException)
        {
            throw new LoweringException($"{module.GetType().Name} '{path}': {e.Message}", e);
        }
    }

    private sealed class LoweringException(string message, Exception inner) : ArgumentException(message, inner);
}
