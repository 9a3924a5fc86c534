using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Finds a model by its run, by the folder of its exported files, or by one of them.</summary>
internal static class ModelPath
{
    /// <summary>The folder of the exported files.</summary>
    /// <exception cref="FileNotFoundException">The path names a run that has exported nothing yet.</exception>
    public static string Folder(string path)
    {
        if (File.Exists(path))
        {
            return Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".";
        }

        return new RunFolder(path) switch
        {
            { HoldsRun: false } => path,
            var run when Directory.Exists(run.Export) => run.Export,
            _ => throw new FileNotFoundException($"The run '{path}' has not exported its model yet: train it to its end with 'onnxvae train --resume --out {path}', or give 'onnxvae export {path}' a folder."),
        };
    }

    /// <summary>The folder of an exported encoder and decoder.</summary>
    /// <exception cref="FileNotFoundException">The path names a run that has exported nothing yet.</exception>
    /// <exception cref="InvalidDataException">The model is a colorizer.</exception>
    public static string VaeFolder(string path)
    {
        string folder = Folder(path);
        RequireVae(folder);
        return folder;
    }

    /// <summary>An exported file.</summary>
    /// <param name="path">The file itself, its folder, or a run.</param>
    /// <param name="name">Its name in a folder.</param>
    /// <exception cref="InvalidDataException">The model is a colorizer, and the file that of another kind.</exception>
    public static string FileIn(string path, string name)
    {
        if (File.Exists(path) || !Directory.Exists(path))
        {
            return path;
        }

        string folder = Folder(path);
        if (name != ExportedFiles.Colorizer)
        {
            RequireVae(folder);
        }
        else if (File.Exists(Path.Combine(folder, ExportedFiles.Decoder)) && !File.Exists(Path.Combine(folder, name)))
        {
            throw new InvalidDataException($"'{folder}' holds a VAE, not a colorizer: 'colorize' takes runs of --model colorization.");
        }

        return Path.Combine(folder, name);
    }

    private static void RequireVae(string folder)
    {
        if (File.Exists(Path.Combine(folder, ExportedFiles.Colorizer)) && !File.Exists(Path.Combine(folder, ExportedFiles.Decoder)))
        {
            throw new InvalidDataException($"'{folder}' holds a colorizer, which has neither encoder nor decoder: use 'onnxvae colorize'.");
        }
    }

    /// <summary>The run that a path belongs to: the run's folder, that of its exported files, or one of them.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It does not belong to a run.</exception>
    public static RunFolder Run(string path)
    {
        string folder = Path.TrimEndingDirectorySeparator(File.Exists(path) ? Folder(path) : path);
        if (new RunFolder(folder).HoldsRun || Path.GetFileName(folder) != Path.GetFileName(new RunFolder(folder).Export))
        {
            return RunFolder.Open(path);
        }

        var run = new RunFolder(Path.GetDirectoryName(folder) is { Length: > 0 } parent ? parent : ".");
        return run.HoldsRun ? run : RunFolder.Open(path);
    }
}
