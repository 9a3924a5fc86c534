using System.Collections;
using System.Reflection;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>Code that runs before or after a module's <c>forward</c>, which a lowering does not see.</summary>
internal static class ForwardHooks
{
    /// <summary>Rejects modules that have hooks.</summary>
    /// <exception cref="NotSupportedException">The module has hooks.</exception>
    public static void RequireNone(Module module)
    {
        for (var type = module.GetType(); type is not null; type = type.BaseType)
        {
            if (FieldsOf(type).Any(field => field.GetValue(module) is ICollection { Count: > 0 }))
            {
                throw new NotSupportedException("it has forward hooks, which a graph would not include: remove them, or move their work into a module.");
            }
        }
    }

    // TorchSharp keeps hooks in fields of its own types.
    private static IEnumerable<FieldInfo> FieldsOf(Type type) => type.Assembly != typeof(Module).Assembly ? [] : type
        .GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
        .Where(field => field.Name.Contains("hooks", StringComparison.OrdinalIgnoreCase));
}
