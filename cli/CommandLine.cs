using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Exporters.Modules;
using OnnxVae.Inference;

namespace OnnxVae.Cli;

/// <summary>Runs a command: arguments to an exit code, 0 done, 1 failed, 2 wrong usage, 130 interrupted.</summary>
internal static partial class CommandLine
{
    private const string Summary = "Trains variational autoencoders and ships them as ONNX files.";

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show where an error comes from.", Recursive = true };

    private static readonly Option<string[]> ProviderLibrary = new("--provider-library")
    {
        Description = "A plug-in execution provider's library; --device may then name it.",
        Recursive = true,
    };

    private static readonly Option[] Common = [Verbose, ProviderLibrary];

    public static async Task<int> RunAsync(string[] args)
    {
        var (output, error) = (Console.Out, Console.Error);
        Console.SetOut(new TerminalWriter(output));
        Console.SetError(new TerminalWriter(error, mayFail: true));
        ProgressDisplay.Output = new TerminalWriter(error, mayFail: true, keepsControls: true);
        try
        {
            return await RunAsync(args, Verb.All());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    private static async Task<int> RunAsync(string[] args, IReadOnlyList<Verb> verbs)
    {
        TorchNativeLibrary.Prepare();
        var root = new RootCommand(Summary);
        foreach (var verb in verbs)
        {
            root.Subcommands.Add(verb.ToCommand());
        }

        foreach (var option in Common)
        {
            root.Options.Add(option);
        }

        var command = root.Parse(args);
        var chosen = verbs.FirstOrDefault(verb => verb.About.Name == command.CommandResult.Command.Name);
        if (command.Action is HelpAction)
        {
            Console.Write(chosen is null ? HelpText.OfAll(Summary, verbs, Common) : HelpText.Of(chosen, Common));
            return ExitCode.Done;
        }

        if (chosen is null && command.Errors.Count == 0)
        {
            return await command.InvokeAsync(); // --version, and what shells ask to complete words
        }

        IReadOnlyList<string> contradictions = [];
        object? options = chosen?.Options.Read(command, out contradictions);
        string[] faults = [.. FaultsOf(command), .. contradictions];
        if (faults.Length > 0)
        {
            Refuse(faults, chosen is null ? "onnxvae --help" : $"onnxvae {chosen.About.Name} --help");
            return ExitCode.WrongUsage;
        }

        try
        {
            foreach (string library in command.GetValue(ProviderLibrary) ?? [])
            {
                OnnxDevice.RegisterLibrary(library);
            }

            return await chosen!.RunAsync(options!);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("onnxvae: interrupted.");
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(command.GetValue(Verbose) ? $"onnxvae: {e}" : $"onnxvae: {Explanation.Of(e)}");
            return e is UsageException ? ExitCode.WrongUsage : ExitCode.Failed;
        }
    }

    private static void Refuse(string[] faults, string help)
    {
        if (faults is [var only])
        {
            Console.Error.WriteLine($"onnxvae: {only} See '{help}'.");
            return;
        }

        foreach (string fault in faults)
        {
            Console.Error.WriteLine($"onnxvae: {fault}");
        }

        Console.Error.WriteLine($"See '{help}'.");
    }

    // What the parser finds, and what is empty.
    private static IEnumerable<string> FaultsOf(ParseResult command)
    {
        var unknown = command.UnmatchedTokens.Where((token, i) => i == 0 || token.StartsWith("--", StringComparison.Ordinal)).ToArray();
        foreach (string token in unknown)
        {
            yield return $"There is no verb or option '{token}'.{Suggestion.For(token, command.CommandResult.Command)}";
        }

        foreach (var error in command.Errors.Where(error => unknown.Length == 0 || error.SymbolResult is not CommandResult))
        {
            yield return error.SymbolResult is ArgumentResult { Tokens.Count: 0 } missing ? $"{missing.Argument.Name} is missing." : Explanation.OneLine(WithoutTypes(error.Message));
        }

        foreach (var child in command.CommandResult.Children.Where(child => child.Tokens.Any(token => token.Value.Length == 0)))
        {
            yield return $"{(child is OptionResult option ? option.Option.Name : ((ArgumentResult)child).Argument.Name)} is empty: give it a value, or leave it out.";
        }
    }

    // The parser names types of .NET.
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
