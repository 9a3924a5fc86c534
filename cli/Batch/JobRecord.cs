using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Batch;

/// <summary>
/// The record of what was requested of a job, stored next to its output: the same job resumes where it stopped, or finds nothing left to do; a different
/// one is rejected.
/// </summary>
internal static class JobRecord
{
    private const int FingerprintLength = 64;

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Claims the output for a job, until the result is disposed.</summary>
    /// <param name="paths">Where it writes.</param>
    /// <param name="asked">Everything that the bytes of the output depend on, by name.</param>
    /// <param name="option">The option that names the output, for messages.</param>
    /// <returns>The claim; null for a single picture, which is written at once and overwrites an existing one.</returns>
    /// <exception cref="IOException">Another process works on it, or the output belongs to something else.</exception>
    public static IDisposable? Claim(JobPaths paths, JsonObject asked, string option = "--out")
    {
        Require(paths, asked, option);
        if (paths.IsPicture)
        {
            return null;
        }

        Directory.CreateDirectory(FolderOf(paths));
        var held = Hold(paths, option);
        AtomicFile.WriteText(paths.Record, asked.ToJsonString(Indented));
        return held;
    }

    /// <summary>Checks that a job may write to an output, without writing anything.</summary>
    /// <inheritdoc cref="Claim"/>
    public static void Require(JobPaths paths, JsonObject asked, string option = "--out")
    {
        if (paths.IsPicture)
        {
            if (Directory.Exists(paths.Output))
            {
                throw new IOException($"'{paths.Output}' is a folder, but {option} names a picture.");
            }

            return;
        }

        string folder = FolderOf(paths);
        if (File.Exists(folder))
        {
            throw new IOException($"'{folder}' is a file; {option} must name a folder, a .npy or a .tar.");
        }

        if (File.Exists(paths.Record))
        {
            RequireSame(paths.Record, asked, option);
        }
        else if (paths.IsFolder && Directory.Exists(paths.Output) && Directory.EnumerateFileSystemEntries(paths.Output).Any(entry => !IsOfJob(entry)))
        {
            throw new IOException($"The folder '{paths.Output}' exists and is not empty: give another {option}, or empty it.");
        }
        else if (paths.ExistingFile is { } file)
        {
            throw new IOException($"The file '{file}' exists, and no job of this kind made it: give another {option}, or delete it.");
        }
    }

    private static string FolderOf(JobPaths paths) => Path.GetDirectoryName(Path.GetFullPath(paths.Record))!;

    /// <summary>A hash of a model's content.</summary>
    public static string Fingerprint(string file)
    {
        using var content = RegularFile.Open(file);
        return Convert.ToHexStringLower(SHA256.HashData(content));
    }

    // Other shards may start at the same time.
    private static bool IsOfJob(string entry) => Path.GetFileName(entry) is var name
        && (name.StartsWith("job.", StringComparison.Ordinal) || (name.StartsWith("job-", StringComparison.Ordinal) && name.EndsWith(".lock", StringComparison.Ordinal)));

    // Fingerprints are abbreviated: they only show that files differ.
    private static string? Describe(JsonNode? value) =>
        value is JsonValue text && text.TryGetValue(out string? word) && word.Length == FingerprintLength && word.All(char.IsAsciiHexDigitLower)
            ? $"the file with SHA-256 {word[..8]}..."
            : value?.ToJsonString();

    private static FileLock Hold(JobPaths paths, string option) => FileLock.TryTake(paths.Lock) ?? throw new IOException(
        $"Another process works on this part of '{paths.Output}': wait until it has ended, or choose another {option}.");

    private static void RequireSame(string file, JsonObject asked, string option)
    {
        JsonObject before;
        try
        {
            before = JsonNode.Parse(RegularFile.ReadText(file)) as JsonObject ?? [];
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{file}' is damaged: delete it together with the job's output, or give another {option}.", e);
        }

        if (StoredOptions.Differences(asked, before).FirstOrDefault() is { } difference)
        {
            throw new IOException(
                $"'{file}' belongs to another job: its {difference.Name} is {Describe(difference.There) ?? "not set"}, but {Describe(difference.Here) ?? "none"} is asked for. Give another {option}, or delete the old job's files.");
        }
    }
}
