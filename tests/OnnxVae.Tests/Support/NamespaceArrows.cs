using Mono.Cecil;
using Mono.Cecil.Cil;

namespace OnnxVae.Tests.Support;

/// <summary>
/// Which folders of a project use which others, in signatures and in code of its assembly. Folders are those at its top, by namespaces; what is in Internals
/// counts as the root's. Constants, which compilers copy, do not count.
/// </summary>
internal sealed class NamespaceArrows
{
    private readonly Dictionary<(string From, string To), SortedSet<string>> uses = [];

    private readonly string root;

    /// <param name="assembly">The assembly's file.</param>
    /// <param name="root">Its root namespace.</param>
    public NamespaceArrows(string assembly, string root)
    {
        this.root = root;
        using var module = ModuleDefinition.ReadModule(assembly);
        foreach (var type in module.GetTypes().Where(IsWritten))
        {
            foreach (var used in UsedBy(type).SelectMany(Parts).Where(used => used.Scope == module && IsWritten(used)))
            {
                Add(type, used);
            }
        }
    }

    /// <summary>The arrows, and an example of each.</summary>
    public IEnumerable<(string From, string To, string Example)> All => uses.Select(use => (use.Key.From, use.Key.To, use.Value.Min!)).OrderBy(use => use.From, StringComparer.Ordinal).ThenBy(use => use.To, StringComparer.Ordinal);

    /// <summary>Namespaces that use each other, over whatever others.</summary>
    public IEnumerable<string> Cycles
    {
        get
        {
            string[] all = [.. uses.Keys.SelectMany(use => (string[])[use.From, use.To]).Distinct().Order(StringComparer.Ordinal)];
            var reachable = all.ToDictionary(from => from, from => Reachable(from));
            return all.Where(from => reachable[from].Contains(from))
                .Select(from => string.Join(" <-> ", all.Where(to => reachable[from].Contains(to) && reachable[to].Contains(from)).Select(Named))).Distinct();
        }
    }

    /// <summary>The arrows as text: a line for each namespace, those first that use no others.</summary>
    public string Picture
    {
        get
        {
            var lines = new List<string>();
            var left = uses.Keys.SelectMany(use => (string[])[use.From, use.To]).Distinct().Order(StringComparer.Ordinal).ToList();
            while (left.Count > 0)
            {
                string next = left.FirstOrDefault(from => !uses.Keys.Any(use => use.From == from && left.Contains(use.To))) ?? left[0];
                left.Remove(next);
                string[] used = [.. uses.Keys.Where(use => use.From == next).Select(use => Named(use.To)).Order(StringComparer.Ordinal)];
                lines.Add(used.Length == 0 ? Named(next) : $"{Named(next)} -> {string.Join(", ", used)}");
            }

            return string.Join('\n', lines);
        }
    }

    private static string Named(string part) => part.Length == 0 ? "(root)" : part;

    private void Add(TypeDefinition from, TypeReference to)
    {
        var (source, target) = (PartOf(from), PartOf(to));
        if (source != target)
        {
            (uses.TryGetValue((source, target), out var examples) ? examples : uses[(source, target)] = []).Add($"{Outermost(from).Name} -> {Outermost(to).Name}");
        }
    }

    private HashSet<string> Reachable(string from)
    {
        var reached = new HashSet<string>();
        var pending = new Stack<string>([from]);
        while (pending.TryPop(out string? next))
        {
            foreach (var (_, to) in uses.Keys.Where(use => use.From == next && reached.Add(use.To)))
            {
                pending.Push(to);
            }
        }

        return reached;
    }

    // Compilers and generators add types too.
    private bool IsWritten(TypeReference type) => Outermost(type) is { Name: [not '<', ..], Namespace: var name } && (name == root || name.StartsWith($"{root}.", StringComparison.Ordinal));

    private string PartOf(TypeReference type) => Outermost(type).Namespace[root.Length..].TrimStart('.').Split('.')[0] is var part and not "Internals" ? part : "";

    private static TypeReference Outermost(TypeReference type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    // A type with its arguments, elements and modifiers.
    private static IEnumerable<TypeReference> Parts(TypeReference? type) => type switch
    {
        null or GenericParameter => [],
        GenericInstanceType generic => [.. Parts(generic.ElementType), .. generic.GenericArguments.SelectMany(Parts)],
        TypeSpecification specification => Parts(specification.ElementType),
        _ => [type],
    };

    private static IEnumerable<TypeReference?> UsedBy(TypeDefinition type) =>
    [
        type.BaseType, .. type.Interfaces.Select(inherited => inherited.InterfaceType), .. type.Fields.Select(field => field.FieldType), .. type.CustomAttributes.Select(attribute => attribute.AttributeType),
        .. type.Methods.SelectMany(UsedBy),
    ];

    private static IEnumerable<TypeReference?> UsedBy(MethodDefinition method) =>
    [
        method.ReturnType, .. method.Parameters.Select(parameter => parameter.ParameterType),
        .. method.HasBody ? method.Body.Variables.Select(variable => variable.VariableType).Concat(method.Body.Instructions.SelectMany(UsedBy)) : [],
    ];

    private static IEnumerable<TypeReference?> UsedBy(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        FieldReference field => [field.DeclaringType, field.FieldType],
        MethodReference method => [method.DeclaringType, method.ReturnType, .. method.Parameters.Select(parameter => parameter.ParameterType), .. method is GenericInstanceMethod generic ? generic.GenericArguments : []],
        _ => [],
    };
}
