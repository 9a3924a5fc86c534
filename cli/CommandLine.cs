using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Exporters.Modules;
using OnnxVae.Inference;
using OnnxVae.Training.Distributed;

namespace OnnxVae.Cli;

/// <summary>Runs a command: takes arguments and returns an exit code: 0 success, 1 failure, 2 wrong usage, 130 interrupted.</summary>
internal static partial class CommandLine
{
    private const string Summary = "Trains variational autoencoders and ships them as ONNX files.";

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show where an error comes from.", Recursive = true };

    private static readonly Option<string[]> ProviderLibrary = new("--provider-library")
    {
        Description = "A plug-in execution provider's library; --device may then name it.",
        Recursive = true,
    };

    private static readonly Option<bool> Quiet = new("--quiet") { Description = "Show results, warnings and errors only.", Recursive = true };

    private static readonly Option<string> Config = new("--config") { Description = "A .json or .yaml file of options; those on the command line win.", Recursive = true };

    private static readonly Option<string> MpiLibrary = new("--mpi-library")
    {
        Description = "The MPI library's file, for verbs that train under mpirun; that of the launcher if left out; none to train alone.",
        Recursive = true,
    };

    private static readonly Option[] Common = [Config, Quiet, Verbose, ProviderLibrary, MpiLibrary];

    public static async Task<int> RunAsync(string[] args)
    {
        var (output, error) = (Console.Out, Console.Error);
        Console.SetOut(new TerminalWriter(output));
        Console.SetError(new TerminalWriter(error, mayFail: true));
        ProgressDisplay.Output = new TerminalWriter(error, mayFail: true, keepsControls: true);
        Failure.Output = Console.Error;
        try
        {
            return await RunToExitCodeAsync(args);
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    private static async Task<int> RunToExitCodeAsync(string[] args)
    {
        Failure.IsVerbose = args.Contains(Verbose.Name);
        var verbs = Verb.All();
        bool isRank = VerbOf(args, verbs) is { RunsInSeveralProcesses: true } && MpiGroup.IsLaunched;
        try
        {
            return await RunAsync(args, verbs, isRank);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("onnxvae: interrupted.");
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(Failure.TextOf(e));
            return Failure.CodeOf(e);
        }
    }

    private static async Task<int> RunAsync(string[] args, IReadOnlyList<Verb> verbs, bool isRank)
    {
        TorchNativeLibrary.Prepare();
        (ParseResult Command, Verb? Verb, object? Options, IReadOnlyList<string> Faults) parsed;
        try
        {
            parsed = Parse(args, verbs);
        }
        catch (Exception e) when (isRank)
        {
            Ranks.Refuse(Failure.TextOf(e), Failure.CodeOf(e));
            throw;
        }

        Ranks.Library = parsed.Command.GetValue(MpiLibrary);
        isRank &= Ranks.AreLaunched;
        if (isRank && MpiGroup.LaunchedRank > 0)
        {
            Silence(); // the first process speaks for all
        }

        if (parsed.Command.Action is HelpAction)
        {
            Console.Write(parsed.Verb is null ? HelpText.OfAll(Summary, verbs, Common) : HelpText.Of(parsed.Verb, Common));
            return ExitCode.Done;
        }

        if (parsed.Faults.Count > 0)
        {
            string refusal = RefusalOf(parsed.Faults, parsed.Verb is null ? "onnxvae --help" : $"onnxvae {parsed.Verb.About.Name} --help");
            if (isRank)
            {
                Ranks.Refuse(refusal, ExitCode.WrongUsage);
            }

            Console.Error.WriteLine(refusal);
            return ExitCode.WrongUsage;
        }

        if (parsed.Verb is null)
        {
            return await parsed.Command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }); // --version, and shell completion
        }

        Notice.IsQuiet = parsed.Command.GetValue(Quiet);
        foreach (string library in parsed.Command.GetValue(ProviderLibrary) ?? [])
        {
            OnnxDevice.RegisterLibrary(library);
        }

        return await parsed.Verb.RunAsync(parsed.Options!);
    }

    private static void Silence()
    {
        Console.SetOut(TextWriter.Null);
        Console.SetError(TextWriter.Null);
        ProgressDisplay.Output = TextWriter.Null;
    }

    /// <summary>Reads a command.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="verbs">The verbs.</param>
    /// <returns>What was parsed, the verb and the record of its options, and everything that is wrong with them.</returns>
    internal static (ParseResult Command, Verb? Verb, object? Options, IReadOnlyList<string> Faults) Parse(string[] args, IReadOnlyList<Verb> verbs)
    {
        var root = new RootCommand(Summary);
        foreach (var verb in verbs)
        {
            root.Subcommands.Add(verb.ToCommand());
        }

        foreach (var option in Common)
        {
            root.Options.Add(option);
        }

        var named = VerbOf(args, verbs);
        args = WithConfig(args, named);
        var (words, unvalued) = GivenValues.Check(args, [.. Common, .. named?.Options.Options.Select(row => row.Option) ?? []]);
        var command = root.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var chosen = verbs.FirstOrDefault(verb => verb.About.Name == command.CommandResult.Command.Name);
        IReadOnlyList<string> contradictions = [];
        object? options = chosen?.Options.Read(command, unvalued.Keys, out contradictions);
        return (command, chosen, options, [.. unvalued.Values, .. FaultsOf(command, unvalued.Keys, verbs), .. contradictions]);
    }

    // The first word that is neither an option of all verbs nor its value.
    private static Verb? VerbOf(string[] args, IReadOnlyList<Verb> verbs)
    {
        string? word = args.Where((word, i) => !word.StartsWith('-') && (i == 0 || !Common.Any(option => option.Name == args[i - 1] && option.ValueType != typeof(bool)))).FirstOrDefault();
        return verbs.FirstOrDefault(verb => verb.About.Name == word);
    }

    private static string[] WithConfig(string[] args, Verb? verb)
    {
        int at = Array.FindIndex(args, word => word == Config.Name || word.StartsWith($"{Config.Name}=", StringComparison.Ordinal));
        string? file = at < 0 ? null : args[at].Length > Config.Name.Length ? args[at][(Config.Name.Length + 1)..] : args.ElementAtOrDefault(at + 1);
        return verb is null || string.IsNullOrEmpty(file) || file.StartsWith("--", StringComparison.Ordinal) ? args : ConfigFile.Expand(args, file, verb);
    }

    private static string RefusalOf(IReadOnlyList<string> faults, string help) => faults is [var only]
        ? $"onnxvae: {only} See '{help}'."
        : string.Join('\n', faults.Select(fault => $"onnxvae: {fault}").Append($"See '{help}'."));

    // The parser's errors, except for options that have already been rejected, and empty arguments.
    private static IEnumerable<string> FaultsOf(ParseResult command, IEnumerable<string> refused, IReadOnlyList<Verb> verbs)
    {
        var unknown = command.UnmatchedTokens.Where((token, i) => i == 0 || token.StartsWith("--", StringComparison.Ordinal)).ToArray();
        foreach (string token in unknown)
        {
            yield return Misplaced(token, command, verbs) ?? $"There is no verb or option '{token}'.{Suggestion.For(token, NamesIn(command.CommandResult.Command))}";
        }

        foreach (var error in command.Errors.Where(error => unknown.Length == 0 || error.SymbolResult is not CommandResult))
        {
            if (!refused.Any(name => error.Message.Contains($"'{name}'", StringComparison.Ordinal)))
            {
                yield return error.SymbolResult is ArgumentResult { Tokens.Count: 0 } missing ? $"{missing.Argument.Name} is missing." : Explanation.OneLine(WithoutTypes(error.Message));
            }
        }

        foreach (var argument in command.CommandResult.Children.OfType<ArgumentResult>().Where(argument => argument.Tokens.Any(token => token.Value.Length == 0)))
        {
            yield return $"{argument.Argument.Name} is empty: give it a value.";
        }
    }

    private static IEnumerable<string> NamesIn(Command command) => [.. command.Subcommands.Select(verb => verb.Name), .. command.Options.Select(option => option.Name)];

    // A known verb or option in the wrong place.
    private static string? Misplaced(string token, ParseResult command, IReadOnlyList<Verb> verbs)
    {
        bool isVerb = verbs.Any(verb => verb.About.Name == token), isOption = verbs.SelectMany(verb => verb.Options.Options).Any(row => row.Option.Name == token);
        return command.Tokens.Any(other => other.Type == TokenType.DoubleDash) && (isVerb || isOption) ? $"'{token}' comes after '--', which ends verbs and options: remove the '--'."
            : !isOption ? null
            : command.CommandResult.Command is RootCommand ? $"'{token}' comes before the verb: give the verb first."
            : $"'{command.CommandResult.Command.Name}' has no option '{token}'; other verbs have it.";
    }

    // The parser's messages contain .NET types.
    private static string WithoutTypes(string message) => ParsedAs().Replace(message, match =>
    {
        string type = match.Groups["type"].Value;
        string expected = type.Contains("UInt", StringComparison.Ordinal) ? "a whole number from 0 on"
            : type.Contains("Int", StringComparison.Ordinal) ? "a whole number"
            : type.Contains("Double", StringComparison.Ordinal) ? "a number"
            : "true or false";
        return $"{match.Groups["name"].Value} is '{match.Groups["value"].Value}'; expected {expected}.";
    });

    [GeneratedRegex(@"^Cannot parse argument '(?<value>.*)' for (option|argument) '(?<name>.*)' as expected type '(?<type>.*)'\.", RegexOptions.Singleline)]
    private static partial Regex ParsedAs();
}
