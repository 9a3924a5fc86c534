using System.CommandLine;
using OnnxVae.Cli.Verbs;
using OnnxVae.Exporters.Modules;
using OnnxVae.Inference;

namespace OnnxVae.Cli;

/// <summary>The verbs, and the way from arguments to an exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.</summary>
internal static class CommandLine
{
    public const int Interrupted = 130;
    private const int Failed = 1;
    private const int WrongUsage = 2;

    // Long enough for a training step and a checkpoint after Ctrl-C.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromMinutes(2);

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Show where an error comes from.", Recursive = true };

    private static readonly Option<string[]> ProviderLibrary = new("--provider-library")
    {
        Description = "A plug-in execution provider's library; --device may then name it.",
        Recursive = true,
    };

    public static async Task<int> RunAsync(string[] args)
    {
        TorchNativeLibrary.Prepare();
        var command = Root().Parse(args);
        if (command.UnmatchedTokens is [var token, ..])
        {
            Console.Error.WriteLine($"onnxvae: There is no verb or option '{token}'. See 'onnxvae --help'.");
            return WrongUsage;
        }

        if (command.Errors is [var error, ..])
        {
            string verb = command.CommandResult.Command is RootCommand ? "" : $"{command.CommandResult.Command.Name} ";
            Console.Error.WriteLine($"onnxvae: {OneLine(error.Message)} See 'onnxvae {verb}--help'.");
            return WrongUsage;
        }

        try
        {
            foreach (string library in command.GetValue(ProviderLibrary) ?? [])
            {
                OnnxDevice.RegisterLibrary(library);
            }

            return await command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeToStop });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("onnxvae: interrupted.");
            return Interrupted;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(command.GetValue(Verbose) ? $"onnxvae: {e}" : $"onnxvae: {Explain(e)}");
            return e is UsageException ? WrongUsage : Failed;
        }
    }

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
        _ => OneLine(e.Message),
    };

    private static string OneLine(string text) => string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
