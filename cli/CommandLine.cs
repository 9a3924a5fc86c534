using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using OnnxVae.Cli.Verbs;
using OnnxVae.Cli.Verbs.Classifier;
using OnnxVae.Cli.Verbs.Evaluate;
using OnnxVae.Cli.Verbs.Prior;
using OnnxVae.Cli.Verbs.Train;
using OnnxVae.Exporters.Modules;
using OnnxVae.Inference;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli;

/// <summary>Runs a command: arguments to an exit code, 0 done, 1 failed, 2 wrong usage, 130 interrupted.</summary>
internal static partial class CommandLine
{
    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show where an error comes from.", Recursive = true };

    private static readonly Option<string[]> ProviderLibrary = new("--provider-library")
    {
        Description = "A plug-in execution provider's library; --device may then name it.",
        Recursive = true,
    };

    /// <summary>Where progress bars go, which command the terminal.</summary>
    public static TextWriter ProgressOutput { get; private set; } = TextWriter.Null;

    public static async Task<int> RunAsync(string[] args)
    {
        var (output, error) = (Console.Out, Console.Error);
        Console.SetOut(new TerminalWriter(output));
        Console.SetError(new TerminalWriter(error, mayFail: true));
        ProgressOutput = new TerminalWriter(error, mayFail: true, keepsControls: true);
        try
        {
            return await RunAsync(Root().Parse(args));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    private static async Task<int> RunAsync(ParseResult command)
    {
        TorchNativeLibrary.Prepare();
        if (command.UnmatchedTokens is [var token, ..])
        {
            Console.Error.WriteLine($"onnxvae: There is no verb or option '{token}'.{Suggestion.For(token, command.CommandResult.Command)} See '{HelpOf(command)}'.");
            return ExitCode.WrongUsage;
        }

        if (command.Errors is [var error, ..])
        {
            Console.Error.WriteLine($"onnxvae: {OneLine(WithoutTypes(error.Message))} See '{HelpOf(command)}'.");
            return ExitCode.WrongUsage;
        }

        if (EmptyArgument(command.CommandResult) is { } empty)
        {
            Console.Error.WriteLine($"onnxvae: {empty} is empty: give it a value, or leave it out.");
            return ExitCode.WrongUsage;
        }

        try
        {
            foreach (string library in command.GetValue(ProviderLibrary) ?? [])
            {
                OnnxDevice.RegisterLibrary(library);
            }

            return await command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("onnxvae: interrupted.");
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(command.GetValue(Verbose) ? $"onnxvae: {e}" : $"onnxvae: {Explain(e)}");
            return e is UsageException ? ExitCode.WrongUsage : ExitCode.Failed;
        }
    }

    private static string HelpOf(ParseResult command) => command.CommandResult.Command is RootCommand ? "onnxvae --help" : $"onnxvae {command.CommandResult.Command.Name} --help";

    private static string? EmptyArgument(CommandResult command) => command.Children.FirstOrDefault(child => child.Tokens.Any(token => token.Value.Length == 0)) switch
    {
        OptionResult option => option.Option.Name,
        ArgumentResult argument => argument.Argument.Name,
        _ => null,
    };

    private static RootCommand Root() => new("Trains variational autoencoders and ships them as ONNX files.")
    {
        TrainVerb.Create(),
        CompileVerb.Create(),
        EvaluateVerb.Create(),
        PriorVerb.Create(),
        ClassifierVerb.Create(),
        ExportVerb.Create(),
        GenerateVerb.Create(),
        EncodeVerb.Create(),
        ReconstructVerb.Create(),
        InterpolateVerb.Create(),
        TraverseVerb.Create(),
        FitVerb.Create(),
        SweepVerb.Create(),
        CompressVerb.Create(),
        DecompressVerb.Create(),
        ServeVerb.Create(),
        InspectVerb.Create(),
        DoctorVerb.Create(),
        Verbose,
        ProviderLibrary,
    };

    private static string Explain(Exception e) => e switch
    {
        TypeInitializationException or AggregateException when e.InnerException is { } cause => Explain(cause),
        DllNotFoundException => $"{OneLine(e.Message)} 'onnxvae doctor' says what is missing.",
        ExternalException => $"libtorch: {OneLine(e.Message.Split('\n')[0])} Are the model's sizes too large for the memory?",
        OutOfMemoryException => "There is not enough memory: give smaller sizes, a smaller --batch, or fewer --threads.",
        TrainingDivergedException => OneLine(e.Message).Replace("try a smaller learning rate, or clip the gradient", "try a smaller --learning-rate, or --clip-gradient 1", StringComparison.Ordinal),
        NullReferenceException or KeyNotFoundException or IndexOutOfRangeException or InvalidCastException =>
            $"This is a fault of onnxvae itself: {OneLine(e.Message)} Give --verbose to see where it comes from, and report it.",
        _ => OneLine(e.Message),
    };

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

    private static string OneLine(string text) => TerminalWriter.CleanName(string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));

    [GeneratedRegex(@"^Cannot parse argument '(?<value>.*)' for (option|argument) '(?<name>.*)' as expected type '(?<type>.*)'\.", RegexOptions.Singleline)]
    private static partial Regex ParsedAs();
}
