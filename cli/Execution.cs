using System.CommandLine;

namespace OnnxVae.Cli;

/// <summary>Runs a verb and turns its outcome into an exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.</summary>
internal static class Execution
{
    private const int Failed = 1;
    private const int WrongUsage = 2;
    private const int Interrupted = 130;

    // Long enough for a training step and a checkpoint after Ctrl-C.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromMinutes(2);

    public static Option<bool> Verbose { get; } = new("--verbose") { Description = "Show where an error comes from.", Recursive = true };

    public static async Task<int> InvokeAsync(ParseResult command)
    {
        if (command.Errors is [var error, ..])
        {
            Console.Error.WriteLine($"onnxvae: {OneLine(error.Message)} See 'onnxvae {command.CommandResult.Command.Name} --help'.");
            return WrongUsage;
        }

        try
        {
            return await command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeToStop });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("onnxvae: interrupted.");
            return Interrupted;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(command.GetValue(Verbose) ? $"onnxvae: {e}" : $"onnxvae: {OneLine(e.Message)}");
            return e is UsageException ? WrongUsage : Failed;
        }
    }

    private static string OneLine(string text) => string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}

/// <summary>Options that are understood but do not go together.</summary>
internal sealed class UsageException(string message) : Exception(message);
