namespace OnnxVae.Cli.Runs;

/// <summary>The levels of a model's codes, as in <c>--level</c> and in file names. The only level of <c>vqvae</c> is the bottom one.</summary>
internal static class CodeLevel
{
    public const string Top = "top";
    public const string Bottom = "bottom";

    /// <summary>The levels, the top one first.</summary>
    /// <param name="count">How many there are.</param>
    public static IReadOnlyList<string> All(int count) => count == 1 ? [Bottom] : [Top, Bottom];

    /// <summary>The name of the folder of a level's prior inside the run's.</summary>
    public static string PriorFolder(string level) => $"prior-{level}";
}
