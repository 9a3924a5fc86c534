using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>How one type of module is lowered to operators.</summary>
/// <param name="lowering">Lowers the module's children and finds its parameters.</param>
/// <param name="module">The module.</param>
/// <param name="inputs">The arguments of its <c>forward</c>.</param>
/// <returns>The results of its <c>forward</c>.</returns>
public delegate IReadOnlyList<Value> LayerRule(ModuleLowering lowering, Module module, IReadOnlyList<Value> inputs);

/// <summary>The table of module lowerings: TorchSharp module type to operators. Immutable.</summary>
public sealed class LayerTable
{
    private readonly ImmutableDictionary<Type, LayerRule> rules;

    private LayerTable(ImmutableDictionary<Type, LayerRule> rules) => this.rules = rules;

    /// <summary>The layers of TorchSharp.</summary>
    public static LayerTable Default { get; } = new(Layers.Rules.ToImmutableDictionary());

    /// <summary>The layers of TorchSharp that have no lowering, each with the reason and what to do.</summary>
    public static IReadOnlyDictionary<Type, string> NotLowered => Layers.NotLowered;

    /// <summary>The module types that have a row.</summary>
    public IEnumerable<Type> ModuleTypes => rules.Keys;

    /// <summary>The table with a row added for a layer with one input and one output; an existing row is replaced.</summary>
    public LayerTable With<TModule>(Func<ModuleLowering, TModule, Value, Value> lower) where TModule : Module =>
        With(typeof(TModule), Layers.Row(lower).Value);

    /// <summary>The table with a row added for a layer with any inputs and outputs; an existing row is replaced.</summary>
    public LayerTable With(Type moduleType, LayerRule rule) => new(rules.SetItem(moduleType, rule));

    internal LayerRule Find(Module module)
    {
        var type = module.GetType();
        if (rules.TryGetValue(type, out var rule))
        {
            return rule;
        }

        throw new NotSupportedException(NotLowered.TryGetValue(type.IsGenericType ? type.GetGenericTypeDefinition() : type, out var reason)
            ? $"there is no lowering: {reason}."
            : $"there is no lowering. Implement {nameof(ILowerable)} or {nameof(IMultiLowerable)} on it, or add a row with {nameof(LayerTable)}.{nameof(With)}.");
    }
}
