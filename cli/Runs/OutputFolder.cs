using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Folders that verbs write to.</summary>
internal static class OutputFolder
{
    /// <summary>Rejects a folder that is not empty.</summary>
    /// <exception cref="IOException">It is not empty.</exception>
    public static void RequireNew(string folder)
    {
        RequireFolderName(folder);
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw NotEmpty(folder, "give another --out, or empty it.");
        }
    }

    /// <summary>Rejects the folder of a run if it is not empty.</summary>
    /// <inheritdoc cref="RequireNew(string)"/>
    public static void RequireNew(RunFolder run)
    {
        bool isEmpty = run.IsEmpty; // first: another process may begin a run there right now
        if (run.HoldsRun)
        {
            throw NotEmpty(run.Path, "it holds a run; give --resume to continue it, or another --out.");
        }

        if (File.Exists(run.Path) || !isEmpty)
        {
            RequireNew(run.Path);
        }
    }

    /// <summary>Rejects a file where a folder is expected.</summary>
    /// <exception cref="IOException">There is a file.</exception>
    public static void RequireFolderName(string path)
    {
        if (File.Exists(path))
        {
            throw new IOException($"'{path}' is a file; --out must name a folder.");
        }
    }

    /// <summary>Rejects a folder where a file is expected.</summary>
    /// <exception cref="IOException">There is a folder.</exception>
    public static void RequireFileName(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder; --out must name a file.");
        }
    }

    private static IOException NotEmpty(string folder, string remedy) => new($"The folder '{folder}' exists and is not empty: {remedy}");
}
