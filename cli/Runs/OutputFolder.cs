using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Folders that verbs write to.</summary>
internal static class OutputFolder
{
    /// <summary>Refuses a folder that already holds something.</summary>
    /// <exception cref="IOException">It does.</exception>
    public static void RequireNew(string folder)
    {
        if (File.Exists(folder))
        {
            throw new IOException($"'{folder}' is a file; --out must name a folder.");
        }

        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw NotEmpty(folder, "give another --out, or empty it.");
        }
    }

    /// <summary>Refuses the folder of a run that already holds something.</summary>
    /// <inheritdoc cref="RequireNew(string)"/>
    public static void RequireNew(RunFolder run)
    {
        if (run.HoldsRun)
        {
            throw NotEmpty(run.Path, "it holds a run; give --resume to continue it, or another --out.");
        }

        if (File.Exists(run.Path) || !run.IsEmpty)
        {
            RequireNew(run.Path);
        }
    }

    private static IOException NotEmpty(string folder, string remedy) => new($"The folder '{folder}' exists and is not empty: {remedy}");
}
