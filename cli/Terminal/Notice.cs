namespace OnnxVae.Cli.Terminal;

/// <summary>What a command says about its own progress, on standard error, so that results can be piped. Warnings and errors are not notices.</summary>
internal static class Notice
{
    /// <summary>Whether nothing is said.</summary>
    public static bool IsQuiet { get; set; }

    /// <summary>Says a line.</summary>
    public static void Say(string line)
    {
        if (!IsQuiet)
        {
            Console.Error.WriteLine(line);
        }
    }
}
