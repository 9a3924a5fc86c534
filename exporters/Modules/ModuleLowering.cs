using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using TorchSharp;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>
/// Turns the modules of a TorchSharp network into graphs. Every parameter and buffer is a state under its TorchSharp name;
/// lowering a module twice gives two graphs over the same states.
/// </summary>
/// <remarks>
/// A lowering computes what the network does in evaluation mode; <see cref="ForTraining"/> gives one for training mode,
/// where dropout needs noise and batch normalization updates its averages. A module that is itself in
/// <c>eval()</c> stays in evaluation mode there, as in TorchSharp.
/// </remarks>
public sealed class ModuleLowering
{
    private readonly LayerTable layers;
    private readonly bool training;
    private readonly Dictionary<Module, string> paths;
    private readonly Dictionary<TensorIdentity, State> byTensor;
    private readonly Dictionary<string, State> byName;
    private readonly List<ProgramInput> noise = [];
    private readonly List<StateUpdate> updates = [];

    /// <summary>Reads names and values of a network's parameters and buffers.</summary>
    /// <param name="network">The outermost module; names and paths are relative to it.</param>
    /// <param name="layers">How layers are lowered; <see cref="LayerTable.Default"/> if left out.</param>
    /// <exception cref="NotSupportedException">A parameter is not Float32.</exception>
    public ModuleLowering(Module network, LayerTable? layers = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        this.layers = layers ?? LayerTable.Default;
        paths = new(ReferenceEqualityComparer.Instance);
        (byTensor, byName) = ([], []);
        AddPaths(network, "");
        foreach (var (name, parameter) in network.named_parameters())
        {
            Add(parameter, State.Create(name, parameter.requires_grad ? StateRole.Parameter : StateRole.Frozen, TorchTensors.Copy(name, parameter)));
        }

        foreach (var (name, buffer) in network.named_buffers())
        {
            if (TorchTensors.CanCopy(buffer))
            {
                Add(buffer, State.Create(name, StateRole.Statistic, TorchTensors.Copy(name, buffer)));
            }
        }
    }

    private ModuleLowering(ModuleLowering other, bool training) =>
        (layers, this.training, paths, byTensor, byName) = (other.layers, training, other.paths, other.byTensor, other.byName);

    /// <summary>Parameters and buffers, in TorchSharp's order.</summary>
    public IReadOnlyList<State> States => [.. byName.Values.Distinct()];

    /// <summary>The parameters, in TorchSharp's order.</summary>
    public IReadOnlyList<State> Parameters => [.. States.Where(state => state.Spec.Role is StateRole.Parameter or StateRole.Frozen)];

    /// <summary>The noise inputs of the modules lowered so far.</summary>
    public IReadOnlyList<ProgramInput> Noise => noise;

    /// <summary>The buffer updates of the modules lowered so far.</summary>
    public IReadOnlyList<StateUpdate> Updates => updates;

    /// <summary>A lowering of the same network, over the same states, in training mode.</summary>
    /// <exception cref="NotSupportedException">Two parameters are different views of the same memory, which a step would update separately.</exception>
    public ModuleLowering ForTraining()
    {
        RequireOwnMemory();
        return new ModuleLowering(this, training: true);
    }

    /// <summary>Whether a module is lowered in training mode.</summary>
    public bool IsTraining(Module module) => training && module.training;

    /// <summary>What a module's <c>forward</c> computes, as a graph whose nodes carry the module's path.</summary>
    /// <param name="module">A module of the network.</param>
    /// <param name="inputs">The arguments of its <c>forward</c>; usually one.</param>
    /// <returns>The result, or the first one of several.</returns>
    /// <inheritdoc cref="LowerAll" path="/exception"/>
    public Value Lower(Module module, params IReadOnlyList<Value> inputs) => LowerAll(module, inputs)[0];

    /// <summary>All results of a module's <c>forward</c>.</summary>
    /// <param name="module">A module of the network.</param>
    /// <param name="inputs">The arguments of its <c>forward</c>.</param>
    /// <exception cref="NotSupportedException">There is no lowering for the module's type or its settings.</exception>
    /// <exception cref="ArgumentException">The inputs do not fit the module, or it is not part of the network.</exception>
    public IReadOnlyList<Value> LowerAll(Module module, params IReadOnlyList<Value> inputs)
    {
        string path = PathOf(module);
        var outputs = Explain(module, path, () =>
        {
            ForwardHooks.RequireNone(module);
            return module switch
            {
                ILowerable lowerable => [lowerable.Lower(this, inputs.Count == 1 ? inputs[0] : throw new ArgumentException($"it was given {inputs.Count} input(s); expected 1."))],
                IMultiLowerable lowerable => lowerable.Lower(this, inputs),
                _ => layers.Find(module)(this, module, inputs),
            };
        });
        Node.LabelBetween(inputs, outputs, _ => path);
        return outputs;
    }

    /// <summary>The value of a parameter or buffer.</summary>
    /// <exception cref="ArgumentException">The tensor is neither a parameter nor a buffer of the network.</exception>
    public Value Parameter(torch.Tensor tensor) => StateOf(tensor).Current;

    /// <summary>The value of a parameter that a module holds natively, by its name within the module.</summary>
    /// <exception cref="ArgumentException">The module has no such parameter.</exception>
    public Value Parameter(Module module, string name) => FindParameter(module, name)
        ?? throw new ArgumentException($"{module.GetType().Name} '{PathOf(module)}' has no parameter '{name}'.");

    /// <summary>The value of a parameter that a module holds natively; null if there is none.</summary>
    public Value? FindParameter(Module module, string name) =>
        byName.TryGetValue($"{PathOf(module)}.{name}".TrimStart('.'), out var state) ? state.Current : null;

    /// <summary>Independent random numbers, uniform in [0, 1), redrawn at every step.</summary>
    /// <param name="module">The module that needs them; the input is named after it.</param>
    /// <param name="shape">Their shape; every dimension is known.</param>
    public Value Uniform(Module module, Shape shape)
    {
        string name = $"{PathOf(module)}.uniform".TrimStart('.');
        int uses = noise.Count(input => input.Spec.Name == name || input.Spec.Name.StartsWith($"{name}_", StringComparison.Ordinal));
        var input = ProgramInput.Uniform(uses == 0 ? name : $"{name}_{uses + 1}", shape);
        noise.Add(input);
        return input.Value;
    }

    /// <summary>Sets a buffer's update in a training step.</summary>
    /// <exception cref="ArgumentException">The tensor is not a buffer of the network, or already has an update: the module occurs twice.</exception>
    public void Update(torch.Tensor buffer, Value next)
    {
        var state = StateOf(buffer);
        if (updates.Any(update => update.State == state))
        {
            throw new ArgumentException($"Buffer '{state.Spec.Name}' would be updated twice in one step: lower its module once for training, or put it in eval().");
        }

        updates.Add(new StateUpdate(state, next));
    }

    private void Add(torch.Tensor tensor, State state)
    {
        // Tied weights are one state, under the first of their names.
        var identity = TorchTensors.Identify(tensor);
        byTensor.TryAdd(identity, state);
        byName.Add(state.Spec.Name, byTensor[identity]);
    }

    private State StateOf(torch.Tensor tensor) => TorchTensors.CanCopy(tensor) && byTensor.TryGetValue(TorchTensors.Identify(tensor), out var state)
        ? state
        : throw new ArgumentException("The tensor is not among the network's named parameters and buffers of type Float32 or Int64: register it as one, or convert it.");

    private void RequireOwnMemory()
    {
        var trained = byTensor.Where(pair => pair.Value.Spec.Role == StateRole.Parameter).ToArray();
        foreach (var (identity, state) in trained)
        {
            if (Array.Find(trained, other => identity.Overlaps(other.Key)) is { Value: { } view })
            {
                throw new NotSupportedException($"Parameters '{state.Spec.Name}' and '{view.Spec.Name}' are different views of the same memory, which a training step would update separately: make one of them the parameter, and compute the other from it.");
            }
        }
    }

    // A module without parameters, such as a loss, need not belong to the network.
    private string PathOf(Module module)
    {
        if (!paths.TryGetValue(module, out var path))
        {
            paths[module] = path = module.parameters().Any() || module.named_buffers().Any()
                ? throw new ArgumentException($"Module {module.GetType().Name} has parameters, but is not part of the network that is being lowered: register it as a submodule.")
                : module.GetType().Name;
        }

        return path;
    }

    private void AddPaths(Module module, string path)
    {
        paths.TryAdd(module, path);
        foreach (var (name, child) in module.named_children())
        {
            AddPaths(child, path.Length == 0 ? name : $"{path}.{name}");
        }
    }

    // A module lowers its children, so an exception may pass through several modules: the innermost one has added its name.
    private static IReadOnlyList<Value> Explain(Module module, string path, Func<IReadOnlyList<Value>> lower)
    {
        try
        {
            return lower();
        }
        catch (ArgumentException e) when (e is not ExplainedArgumentException)
        {
            throw new ExplainedArgumentException($"{module.GetType().Name} '{path}': {e.Message}", e);
        }
        catch (NotSupportedException e) when (e is not ExplainedSettingException)
        {
            throw new ExplainedSettingException($"{module.GetType().Name} '{path}': {e.Message}", e);
        }
    }

    private sealed class ExplainedArgumentException(string message, Exception inner) : ArgumentException(message, inner);

    private sealed class ExplainedSettingException(string message, Exception inner) : NotSupportedException(message, inner);
}
