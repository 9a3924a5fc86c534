namespace OnnxVae.Cli;

/// <summary>Folders that verbs write to.</summary>
internal static class OutputFolder
{
    /// <summary>Refuses a folder that already holds something.</summary>
    public static void RequireNew(string folder)
    {
        if (File.Exists(folder))
        {
            throw new IOException($"'{folder}' is a file; --out must name a folder.");
        }

        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new IOException($"The folder '{folder}' exists and is not empty: give another --out, or empty it.");
        }
    }
}
