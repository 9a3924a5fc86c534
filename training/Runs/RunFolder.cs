using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>The layout of a run's folder.</summary>
/// <param name="Path">The folder.</param>
public sealed record RunFolder(string Path)
{
    private const string CheckpointExtension = ".safetensors";
    private const string DamagedExtension = ".damaged";
    private const string LockFile = "lock";
    private const string OptionsFile = "options.json";
    private const string KindEntry = "kind";

    /// <summary>The compiled model.</summary>
    public string Package => At("package");

    /// <summary>The run's options as they are now: those of the start, with what has changed since.</summary>
    public string Options => At(OptionsFile);

    /// <summary>One line per log interval.</summary>
    public string Metrics => At("metrics.jsonl");

    /// <summary>The same numbers as a table, where it is asked for.</summary>
    public string Csv => At("metrics.csv");

    /// <summary>The folder of TensorBoard's event files, where they are asked for.</summary>
    public string TensorBoard => At("tensorboard");

    /// <summary>The options of the command line that differ from their defaults, as they were at the start; the run can be repeated from them.</summary>
    public string Config => At("config.json");

    /// <summary>The final metrics.</summary>
    public string Evaluation => At("evaluation.json");

    /// <summary>Curves, grids and metrics on one page.</summary>
    public string Report => At("report.html");

    /// <summary>Sample grids over the course of training.</summary>
    public string Samples => At("samples");

    /// <summary>The newest picture of samples; null if there is none.</summary>
    public string? NewestSamples => Directory.Exists(Samples) ? Directory.EnumerateFiles(Samples, "samples-*.png").Order(StringComparer.Ordinal).LastOrDefault() : null;

    /// <summary>The exported encoder and decoder.</summary>
    public string Export => At("export");

    /// <summary>The checkpoint whose validation loss was the lowest; there is none without validation.</summary>
    public string Best => At("best.safetensors");

    private string Checkpoints => At("checkpoints");

    /// <summary>Makes sure that no other process works on the run until the result is disposed; removes files that a crash left incomplete.</summary>
    /// <exception cref="IOException">Another process works on it.</exception>
    public IDisposable Lock()
    {
        Directory.CreateDirectory(Path);
        var held = FileLock.TryTake(At(LockFile)) ?? throw new IOException($"Another process is working on '{Path}': wait until it has ended, or choose another folder.");
        foreach (string leftover in Leftovers(Path))
        {
            File.Delete(leftover);
        }

        return held;
    }

    /// <summary>Whether the folder holds nothing except what is left by a start that was killed before it wrote the run's options.</summary>
    public bool IsEmpty => !Directory.Exists(Path) || Directory.EnumerateFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry))
        .All(name => name == LockFile || (name.StartsWith(OptionsFile, StringComparison.Ordinal) && name.EndsWith(AtomicFile.TemporaryExtension, StringComparison.Ordinal)));

    /// <summary>Removes a failed start: everything in the folder before the first checkpoint is written.</summary>
    public void Discard()
    {
        File.Delete(Options);
        File.Delete(Config);
        File.Delete(Metrics);
        File.Delete(Best);
        DiscardPackage();
        Delete(Checkpoints);
    }

    /// <summary>Removes an incomplete package.</summary>
    public void DiscardPackage() => Delete(Package);

    private static void Delete(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The parameters of a mixture that was fitted to the latents.</summary>
    public string Mixture => System.IO.Path.Combine(Path, "mixture.safetensors");

    /// <summary>Whether patience has ended the run: nothing would be trained under these options, whatever their number of steps.</summary>
    /// <param name="package">The run's package.</param>
    /// <param name="options">The options.</param>
    public bool IsEndedByPatience(TrainingPackage package, TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new ValidationHistory(MetricsLog.Read(Metrics), Validation.BetaAt(package, options.Steps), options.BestBy).SinceBest >= options.Patience;
    }

    /// <summary>Whether there is a checkpoint beyond the initial one.</summary>
    public bool HasCheckpoint => ListCheckpoints().Any(file => file != CheckpointAt(0));

    /// <summary>Whether a run has been started in the folder.</summary>
    public bool HoldsRun => File.Exists(Options);

    /// <summary>The file of a step's checkpoint.</summary>
    public string CheckpointAt(long step) => System.IO.Path.Combine(Checkpoints, string.Create(CultureInfo.InvariantCulture, $"{step:D9}{CheckpointExtension}"));

    /// <summary>The checkpoints, oldest first.</summary>
    public IReadOnlyList<string> ListCheckpoints() => Directory.Exists(Checkpoints)
        ? [.. Directory.EnumerateFiles(Checkpoints, $"*{CheckpointExtension}").Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The newest checkpoint's file.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public string NewestCheckpoint() => ListCheckpoints() is [.., var newest]
        ? newest
        : throw new FileNotFoundException($"'{Path}' has no checkpoint: train the model first.");

    /// <summary>The step of the newest checkpoint; 0 if there is none.</summary>
    public long NewestStep => ListCheckpoints() is [.., var newest] && long.TryParse(System.IO.Path.GetFileNameWithoutExtension(newest), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : 0;

    /// <summary>Reads the newest checkpoint that is not damaged.</summary>
    /// <param name="package">The run's package.</param>
    /// <returns>The checkpoint, and the files of newer ones that are damaged.</returns>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">All are damaged, or they belong to another package.</exception>
    public (Checkpoint Checkpoint, IReadOnlyList<string> Damaged) LoadNewest(TrainingPackage package)
    {
        var damaged = new List<string>();
        InvalidDataException? first = null;
        _ = NewestCheckpoint();
        foreach (string file in ListCheckpoints().Reverse())
        {
            Checkpoint checkpoint;
            try
            {
                checkpoint = Checkpoint.Read(file);
            }
            catch (InvalidDataException e)
            {
                first ??= e;
                damaged.Add(file);
                continue;
            }

            return (checkpoint.For(package, file), damaged);
        }

        throw damaged.Count == 1 ? first! : new InvalidDataException($"All {damaged.Count} checkpoints of '{Path}' are damaged: put one back, or start over in another folder. The newest: {first!.Message}", first);
    }

    /// <summary>Reads the checkpoint that a run is judged by and exported from: the best one, or else the newest, of those that are not damaged.</summary>
    /// <inheritdoc cref="LoadNewest"/>
    public (Checkpoint Checkpoint, IReadOnlyList<string> Damaged) LoadKept(TrainingPackage package)
    {
        if (!File.Exists(Best))
        {
            return LoadNewest(package);
        }

        Checkpoint best;
        try
        {
            best = Checkpoint.Read(Best);
        }
        catch (InvalidDataException)
        {
            var (newest, damaged) = LoadNewest(package);
            return (newest, [Best, .. damaged]);
        }

        return (best.For(package, Best), []);
    }

    /// <summary>Moves a damaged checkpoint out of the way by renaming it.</summary>
    internal static void SetAside(string checkpoint) => File.Move(checkpoint, checkpoint + DamagedExtension, overwrite: true);

    /// <summary>Opens the folder of an existing run.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">It does not hold a run.</exception>
    public static RunFolder Open(string path)
    {
        var run = new RunFolder(path);
        return !Directory.Exists(path) ? throw new DirectoryNotFoundException($"There is no run folder '{path}'.")
            : run.HoldsRun ? run
            : throw new InvalidDataException($"'{path}' does not hold a training run: it has no {System.IO.Path.GetFileName(run.Options)}.");
    }

    /// <summary>The JSON object in a file; null if the file is missing or damaged.</summary>
    internal static JsonObject? ReadJson(string file)
    {
        try
        {
            return File.Exists(file) ? JsonNode.Parse(RegularFile.ReadText(file)) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the run's options.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or belongs to another kind of run.</exception>
    public TOptions ReadOptions<TOptions>() where TOptions : IRunOptions
    {
        string text = RegularFile.ReadText(Options), parent = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        var (kind, options) = Read<TOptions>(text);
        return kind == TOptions.Kind ? options! : throw new InvalidDataException(
            $"'{Path}' is a run of kind '{kind}', expected '{TOptions.Kind}'{(new RunFolder(parent).HoldsRun ? $": give the run that it belongs to, '{parent}'" : "")}.");
    }

    /// <summary>Stores the run's options; from then on the folder holds a run.</summary>
    public void WriteOptions<TOptions>(TOptions options) where TOptions : IRunOptions
    {
        var stored = JsonSerializer.SerializeToNode(options, Manifest.JsonOptions)!.AsObject();
        stored.Insert(0, KindEntry, TOptions.Kind);
        AtomicFile.WriteText(Options, stored.ToJsonString(Manifest.JsonOptions));
    }

    // The kind of the run, and its options if it is the expected kind.
    private (string Kind, TOptions? Options) Read<TOptions>(string text) where TOptions : IRunOptions
    {
        try
        {
            var stored = JsonNode.Parse(text) as JsonObject ?? throw new JsonException();
            string kind = stored.Remove(KindEntry, out var entry) && entry is JsonValue value && value.TryGetValue(out string? name) ? name : throw new JsonException();
            return (kind, kind == TOptions.Kind ? stored.Deserialize<TOptions>(Manifest.JsonOptions) : default);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{Options}' is damaged: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new InvalidDataException($"'{Options}' is damaged, or of another version: it is not the JSON of a run's options.", e);
        }
    }

    // Subfolders of other runs, which may be in progress, are theirs to clean up.
    private static IEnumerable<string> Leftovers(string folder) => Directory.EnumerateFiles(folder, $"*{AtomicFile.TemporaryExtension}")
        .Concat(Directory.EnumerateDirectories(folder).Where(inner => !File.Exists(System.IO.Path.Combine(inner, LockFile))).SelectMany(Leftovers));

    private string At(string name) => System.IO.Path.Combine(Path, name);
}
