using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace OnnxVae.Cli.Options;

/// <summary>
/// A record whose properties are the arguments and options of a verb, declared by their attributes: each option is written in one place, with its
/// name, type, default, rules and help.
/// </summary>
internal sealed class OptionRecord
{
    private readonly Type type;
    private readonly List<Row> rows = [];

    /// <param name="type">The record's type, with a parameterless constructor.</param>
    public OptionRecord(Type type)
    {
        this.type = type;
        AddRows(Activator.CreateInstance(type)!, []);
    }

    /// <summary>The arguments.</summary>
    public IEnumerable<Argument> Arguments => rows.Select(row => row.Symbol).OfType<Argument>();

    /// <summary>The options, with their sections in the help.</summary>
    public IEnumerable<(Option Option, Topic Topic, string Default)> Options =>
        rows.Where(row => row.Symbol is Option).Select(row => ((Option)row.Symbol, row.Topic, row.Default));

    /// <summary>The options that an option is an alternative to, and itself; by their names, as <c>--steps</c>.</summary>
    /// <param name="name">The option's name.</param>
    public IEnumerable<string> AlternativesOf(string name)
    {
        string? group = GroupOf(rows.FirstOrDefault(row => row.Symbol.Name == name));
        return group is null ? [name] : rows.Where(row => GroupOf(row) == group).Select(row => row.Symbol.Name);

        static string? GroupOf(Row? row) => row?.Property.GetCustomAttribute<AlternativeAttribute>()?.Group;
    }

    /// <summary>Creates the record from a command.</summary>
    /// <param name="command">The command; options with parse errors keep their defaults.</param>
    /// <param name="unvalued">Options that were given without a value.</param>
    /// <param name="faults">What is wrong with the combination of options, except for faults that mention an option that is itself rejected.</param>
    public object Read(ParseResult command, IEnumerable<string> unvalued, out IReadOnlyList<string> faults)
    {
        object options = Activator.CreateInstance(type)!;
        var given = new HashSet<string>();
        HashSet<string> refused = [.. unvalued];
        foreach (var row in rows)
        {
            if (!row.IsGivenIn(command))
            {
                continue;
            }

            given.Add(row.Symbol.Name);
            if (command.Errors.Any(error => error.SymbolResult is { } result && SymbolOf(result) == row.Symbol))
            {
                refused.Add(row.Symbol.Name);
            }
            else
            {
                row.Property.SetValue(row.Owner(options)!, row.ValueIn(command));
            }
        }

        Given = new GivenOptions(given);
        faults = [.. CheckedIn(options).SelectMany(part => part.FindFaults(Given)).Where(fault => !refused.Any(name => Names(fault, name)))];
        return options;
    }

    /// <summary>The options given in the command that was read last.</summary>
    public GivenOptions Given { get; private set; } = new(new HashSet<string>());

    /// <summary>Checks the values of a record that was read from a file, which may have been edited or damaged.</summary>
    /// <exception cref="InvalidDataException">A value is not allowed for its option, or two values contradict each other.</exception>
    public static void RequireValid(object options)
    {
        if ((FaultOf(options) ?? CheckedIn(options).SelectMany(part => part.FindFaults(new OptionRecord(options.GetType()).ChangedIn(options))).FirstOrDefault()) is { } fault)
        {
            throw new InvalidDataException(fault);
        }
    }

    /// <summary>Copies the values of some options from one record to another.</summary>
    /// <param name="names">Their names, as <c>--latent</c>.</param>
    /// <param name="from">The record to copy from.</param>
    /// <param name="to">The record to copy to.</param>
    public static void Copy(IEnumerable<string> names, object from, object to)
    {
        foreach (var row in new OptionRecord(to.GetType()).rows.IntersectBy(names, row => row.Symbol.Name))
        {
            row.Property.SetValue(row.Owner(to)!, row.Property.GetValue(row.Owner(from)!));
        }
    }

    /// <summary>The options that differ from their defaults, by their names without hyphens in front: what has to be given to get the same record.</summary>
    /// <param name="options">The record.</param>
    public static IEnumerable<KeyValuePair<string, object>> ValuesToGive(object options)
    {
        var record = new OptionRecord(options.GetType());
        var changed = record.ChangedIn(options);
        return record.rows.Where(row => row.Symbol is Option && changed.Names.Contains(row.Symbol.Name) && row.Property.GetValue(row.Owner(options)!) is not null)
            .Select(row => KeyValuePair.Create(row.Symbol.Name.TrimStart('-'), row.Property.GetValue(row.Owner(options)!)!));
    }

    // Values that differ from the defaults must have been given.
    private GivenOptions ChangedIn(object options)
    {
        object usual = Activator.CreateInstance(type)!;
        return new GivenOptions(rows.Where(row => row.Owner(options) is { } owner && !Equals(row.Property.GetValue(owner), row.Property.GetValue(row.Owner(usual)!))).Select(row => row.Symbol.Name).ToHashSet());
    }

    private static string? FaultOf(object options)
    {
        foreach (var property in options.GetType().GetProperties())
        {
            bool isGroup = property.IsDefined(typeof(GroupAttribute));
            object? value = isGroup || property.IsDefined(typeof(RuleAttribute)) ? property.GetValue(options) : null;
            string? fault = value is null ? null
                : isGroup ? FaultOf(value)
                : property.GetCustomAttributes<RuleAttribute>().Select(rule => rule.FaultOf(char.ToLowerInvariant(property.Name[0]) + property.Name[1..], value)).FirstOrDefault(fault => fault is not null);
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }

    // Whether a sentence mentions an option.
    private static bool Names(string fault, string option) => Regex.IsMatch(fault, $@"{Regex.Escape(option)}(?![\w-])");

    private static IEnumerable<IChecked> CheckedIn(object options) =>
        GroupsOf(options.GetType()).Select(property => property.GetValue(options)).OfType<object>().SelectMany(CheckedIn).Concat(options is IChecked part ? [part] : []);

    private static IEnumerable<PropertyInfo> GroupsOf(Type type) => type.GetProperties().Where(property => property.IsDefined(typeof(GroupAttribute)));

    private static Symbol? SymbolOf(SymbolResult result) => result switch
    {
        OptionResult option => option.Option,
        ArgumentResult { Parent: OptionResult option } => option.Option,
        ArgumentResult argument => argument.Argument,
        _ => null,
    };

    // Base records first, in reading order.
    private void AddRows(object usual, IReadOnlyList<PropertyInfo> path)
    {
        foreach (var property in usual.GetType().GetProperties().OrderBy(property => Depth(property.DeclaringType!)).ThenBy(property => property.MetadataToken))
        {
            if (property.IsDefined(typeof(GroupAttribute)))
            {
                AddRows(property.GetValue(usual)!, [.. path, property]);
            }
            else if (property.GetCustomAttribute<OptionAttribute>() is { } option)
            {
                rows.Add(new Row(path, property, CreateOption(property, option), option.Topic, DefaultText(property.GetValue(usual))));
            }
            else if (property.GetCustomAttribute<ArgumentAttribute>() is { } argument)
            {
                rows.Add(new Row(path, property, Create(typeof(Argument<>), property.PropertyType, argument.Name, argument.Description), default, ""));
            }
        }
    }

    private static int Depth(Type type) => type.BaseType is { } parent ? Depth(parent) + 1 : 0;

    private static Option CreateOption(PropertyInfo property, OptionAttribute attribute)
    {
        var option = (Option)Create(typeof(Option<>), property.PropertyType, OptionNames.OfProperty(property.Name), attribute.Description);
        option.Required = attribute.IsRequired;
        if ((Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) == typeof(double))
        {
            option.Validators.Add(RefuseCommas);
        }

        foreach (var rule in property.GetCustomAttributes<RuleAttribute>())
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens is [{ Value: { Length: > 0 } text }] && IsReadable(text, rule) && rule.FaultOf(option.Name, text) is { } fault)
                {
                    result.AddError(fault);
                }
            });
            if (rule is AmongAttribute among)
            {
                option.CompletionSources.Add([.. among.Names]);
            }
        }

        return option;
    }

    // The parser reads 1,5 as 15.
    private static void RefuseCommas(OptionResult result)
    {
        if (result.Tokens is [{ Value: var text }] && text.Contains(',', StringComparison.Ordinal) && double.TryParse(text, CultureInfo.InvariantCulture, out _))
        {
            result.AddError($"{result.Option.Name} is '{text}'; expected a number with a point, as in 1.5.");
        }
    }

    // Text that is not a number is left to the parser to reject.
    private static bool IsReadable(string text, RuleAttribute rule) => rule is not NumberRuleAttribute || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static Symbol Create(Type kind, Type value, string name, string description)
    {
        var type = kind.MakeGenericType(value);
        var symbol = (Symbol)(kind == typeof(Option<>) ? Activator.CreateInstance(type, name, Array.Empty<string>()) : Activator.CreateInstance(type, name))!;
        symbol.Description = description;
        return symbol;
    }

    private static string DefaultText(object? value) => value is null or false or "" ? "" : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    /// <summary>A property and its symbol on the command line.</summary>
    private sealed record Row(IReadOnlyList<PropertyInfo> Path, PropertyInfo Property, Symbol Symbol, Topic Topic, string Default)
    {
        // Null if a group is missing.
        public object? Owner(object options) => Path.Aggregate((object?)options, (part, property) => part is null ? null : property.GetValue(part));

        public bool IsGivenIn(ParseResult command) => Symbol is Option option ? command.GetResult(option) is { Implicit: false } : command.GetResult((Argument)Symbol) is { Tokens.Count: > 0 };

        public object? ValueIn(ParseResult command) => typeof(ParseResult)
            .GetMethods().Single(method => method is { Name: nameof(ParseResult.GetValue), IsGenericMethod: true } && method.GetParameters()[0].ParameterType.Name == (Symbol is Option ? "Option`1" : "Argument`1"))
            .MakeGenericMethod(Property.PropertyType).Invoke(command, [Symbol]);
    }
}
