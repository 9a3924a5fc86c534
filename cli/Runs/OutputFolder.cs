using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Folders that verbs write to.</summary>
internal static class OutputFolder
{
    /// <summary>Refuses a folder that already holds something.</summary>
    /// <exception cref="IOException">It does.</exception>
    public static void RequireNew(string folder)
    {
        RequireFolderName(folder);
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

    /// <summary>Refuses a file where a folder is to be.</summary>
    /// <exception cref="IOException">There is one.</exception>
    public static void RequireFolderName(string path)
    {
        if (File.Exists(path))
        {
            throw new IOException($"'{path}' is a file; --out must name a folder.");
        }
    }

    /// <summary>Refuses a folder where a file is to be.</summary>
    /// <exception cref="IOException">There is one.</exception>
    public static void RequireFileName(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder; --out must name a file.");
        }
    }

    private static IOException NotEmpty(string folder, string remedy) => new($"The folder '{folder}' exists and is not empty: {remedy}");
}
