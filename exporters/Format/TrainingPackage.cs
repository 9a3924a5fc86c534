using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OnnxVae.Format;

/// <summary>
/// A compiled model on disk: a folder with <c>manifest.json</c>, the programs, the deployable graphs without weights, and
/// the states before the first step. Training one needs ONNX Runtime and nothing of the compiler.
/// </summary>
public sealed class TrainingPackage
{
    private const string ManifestFile = "manifest.json";
    private const string InitialFile = "initial.safetensors";

    private const string SchedulesEntry = "schedules", StepsEntry = "steps", BitDepthEntry = "bitDepth", UnitRangeEntry = "unitRange", LayoutEntry = "layout", ColumnsEntry = "columns";

    private TrainingPackage(string folder, Manifest manifest) => (Folder, Manifest, Identity) = (folder, manifest, IdentityOf(manifest));

    /// <summary>The package's folder.</summary>
    public string Folder { get; }

    /// <summary>Its table of contents.</summary>
    public Manifest Manifest { get; }

    private string[] Files => [InitialFile, .. Manifest.Programs.SelectMany(program => program.Files), .. Manifest.Deployables.Values.SelectMany(graph => graph.All), ManifestFile];

    /// <summary>
    /// Identifies the states by the model's description and their names, types and shapes: checkpoints store it. Batch size, schedules,
    /// device and the files of graphs are not part of it.
    /// </summary>
    public string Identity { get; }

    /// <summary>Identifies all that its manifest says, schedules and programs included.</summary>
    public string Fingerprint => HashOf(Manifest);

    /// <summary>The names of the classes that its labels stand for, in their order; empty for a model without labels.</summary>
    public IReadOnlyList<string> Classes => Manifest.Model["classes"] is JsonArray names ? [.. names.Select(name => $"{name}")] : [];

    /// <summary>Whether it was compiled with algorithms that round like the definitions; devices then keep all bits of float32, too.</summary>
    public bool IsPrecise => Manifest.Training["precise"] is JsonValue value && value.TryGetValue(out bool isPrecise) && isPrecise;

    /// <summary>Whether a folder holds a package: the manifest is written last.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, ManifestFile));

    /// <summary>Writes a package; the manifest comes last, so that a folder with one is complete.</summary>
    /// <param name="folder">The folder, created if missing.</param>
    /// <param name="model">A description of the model.</param>
    /// <param name="training">How it is trained.</param>
    /// <param name="step">The training step.</param>
    /// <param name="evaluate">The evaluation of one batch.</param>
    /// <param name="weigh">The log-weight of another sample for a batch; null if there is no such weight.</param>
    /// <param name="deployables">Graphs to export after training, by role.</param>
    /// <param name="split">The training step in two programs; null to leave it out.</param>
    public static TrainingPackage Write(
        string folder, JsonObject model, JsonObject training, CompiledProgram step, CompiledProgram evaluate, CompiledProgram? weigh,
        IReadOnlyDictionary<string, DeployableModel> deployables, CompiledSplitStep? split = null)
    {
        var files = deployables.ToDictionary(
            pair => pair.Key, pair => new DeployableFiles($"{pair.Key}.onnx", pair.Value.Tuned.Keys.ToDictionary(provider => provider, provider => $"{pair.Key}.{provider}.onnx")));
        var manifest = new Manifest(Manifest.CurrentFormatVersion, model, training, step.Spec, evaluate.Spec, step.States, files, weigh?.Spec, split?.Spec);
        Save(folder, step, evaluate, weigh, split?.Gradients, split?.Apply);

        foreach (var (role, deployable) in deployables)
        {
            deployable.AnyRuntime.Save(Path.Combine(folder, files[role].File));
            foreach (var (provider, tuned) in deployable.Tuned)
            {
                tuned.Save(Path.Combine(folder, files[role].Tuned[provider]));
            }
        }

        Safetensors.Save(Path.Combine(folder, InitialFile), step.Initial);
        return Described(folder, manifest);
    }

    /// <summary>
    /// Takes over the training step in two programs of a package of the same model and optimizer, for parts of another size. It follows this package's schedules.
    /// If this is interrupted, the package is complete without it.
    /// </summary>
    /// <param name="other">The other package.</param>
    /// <returns>This package with the new manifest.</returns>
    /// <exception cref="ArgumentException">The other package does not have it, or is of another model.</exception>
    public TrainingPackage TakeSplit(TrainingPackage other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Manifest.Split is not { } split || other.Identity != Identity)
        {
            throw new ArgumentException($"The package '{other.Folder}' {(other.Identity != Identity ? "is of another model" : "has no training step in two programs")}.", nameof(other));
        }

        Described(Folder, Manifest with { Split = null });
        foreach (string file in split.Gradients.Files.Concat(split.Apply.Files))
        {
            using var source = RegularFile.Open(other.PathOf(file));
            AtomicFile.Write(PathOf(file), source.CopyTo);
        }

        return Described(Folder, Manifest with { Split = split.WithSchedulesOf(Manifest.Step) });
    }

    private static void Save(string folder, params CompiledProgram?[] programs)
    {
        foreach (var program in programs.OfType<CompiledProgram>())
        {
            program.Model.Save(Path.Combine(folder, program.Spec.File));
            program.WithoutMetrics?.Save(Path.Combine(folder, program.Spec.FileWithoutMetrics!));
        }
    }

    private static TrainingPackage Described(string folder, Manifest manifest)
    {
        AtomicFile.WriteText(Path.Combine(folder, ManifestFile), JsonSerializer.Serialize(manifest, Manifest.JsonOptions));
        return new TrainingPackage(folder, manifest);
    }

    /// <summary>Opens a package.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">The folder holds no package, or one of another version.</exception>
    public static TrainingPackage Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        }

        if (!IsIn(folder))
        {
            throw new InvalidDataException($"'{folder}' is not a training package: it has no {ManifestFile}. Compile a model into it.");
        }

        var package = new TrainingPackage(folder, ReadManifest(Path.Combine(folder, ManifestFile)));
        return package.Files.FirstOrDefault(file => !File.Exists(package.PathOf(file))) is { } missing
            ? throw new InvalidDataException($"The training package '{folder}' is not complete: it has no {missing}. Compile the model again.")
            : package;
    }

    /// <summary>A number from the description of the model or of its training.</summary>
    /// <param name="entry">Its name.</param>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public double DescribedNumber(string entry) => (Manifest.Model[entry] ?? Manifest.Training[entry]) is JsonValue value && value.TryGetValue(out double number) ? number : throw new InvalidDataException(
        $"'{PathOf(ManifestFile)}' is damaged: its description of the model has no number '{entry}'. Compile the model again.");

    /// <summary>Whether it is for real numbers in units of their own, and not for pixels.</summary>
    public bool TakesRealNumbers => Manifest.Model[BitDepthEntry] is not null && DescribedNumber(BitDepthEntry) > 16;

    /// <summary>Whether it is for values from 0 to 1, as those of pixels are if they are divided by the largest one.</summary>
    public bool TakesUnitRange => !TakesRealNumbers || Manifest.Model[UnitRangeEntry]?.GetValueKind() == JsonValueKind.True;

    /// <summary>Whether the arrays that its examples came from had their channels last.</summary>
    public bool IsChannelsLast => Manifest.Model[LayoutEntry] is not null;

    /// <summary>The columns of the table whose rows it is for; null for other examples.</summary>
    /// <exception cref="InvalidDataException">Their description is damaged.</exception>
    public TableSpec? Table => Manifest.Model[ColumnsEntry] is { } columns ? TableSpec.FromJson(columns.ToJsonString()) : null;

    /// <summary>Checks that states match the package: none missing, all of the right type and shape.</summary>
    /// <param name="states">The states, by name.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <exception cref="InvalidDataException">They do not match.</exception>
    public void RequireStates(IReadOnlyDictionary<string, Tensor> states, string source)
    {
        foreach (var spec in Manifest.States)
        {
            if (!states.TryGetValue(spec.Name, out var state) || state.Type != spec.Type || state.Shape != spec.Shape)
            {
                throw new InvalidDataException(
                    $"'{source}' cannot be used: its state '{spec.Name}' is {(state is null ? "missing" : $"{state.Type} {state.Shape}")}, expected {spec.Type} {spec.Shape}.");
            }
        }
    }

    /// <summary>The states before the first step, by name.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or does not have all of them.</exception>
    public IReadOnlyDictionary<string, Tensor> ReadInitialStates()
    {
        string file = PathOf(InitialFile);
        var states = Safetensors.Load(file).Tensors;
        RequireStates(states, file);
        return states;
    }

    /// <summary>Replaces the initial states, which are written as a whole or not at all.</summary>
    /// <param name="states">All states, by name.</param>
    /// <exception cref="InvalidDataException">A state is missing, or has another type or shape.</exception>
    public void WriteInitialStates(IReadOnlyDictionary<string, Tensor> states)
    {
        RequireStates(states, PathOf(InitialFile));
        Safetensors.Save(PathOf(InitialFile), states);
    }

    /// <summary>The number of steps that its schedules were made for, which a run must then have; null if none depends on it.</summary>
    public long? Steps => Manifest.Training[StepsEntry] is null ? null : (long)DescribedNumber(StepsEntry);

    /// <summary>
    /// Replaces the schedules of later steps, in the package's manifest; graphs and states stay as they are, because schedules are computed outside the graph. This
    /// object keeps the old ones.
    /// </summary>
    /// <param name="lastStep">The last step of the present schedules.</param>
    /// <param name="schedules">Schedules by the names of their inputs; those that the training step does not take are ignored.</param>
    /// <param name="steps">The number of steps that the schedules were made for; null if none depends on it.</param>
    /// <returns>The package with the new manifest, and the names of the inputs whose schedules changed. If neither they nor the number of steps changed, nothing is written.</returns>
    public (TrainingPackage Package, IReadOnlyList<string> Changed) WriteSchedules(long lastStep, IReadOnlyDictionary<string, Schedule> schedules, long? steps)
    {
        ArgumentNullException.ThrowIfNull(schedules);
        InputSpec[] inputs = [.. Manifest.Step.Inputs.Select(input => input.Schedule is { } present && schedules.TryGetValue(input.Name, out var schedule) && Newest(present) != schedule
            ? input with { Schedule = lastStep == 0 ? schedule : new ChangedSchedule(present, lastStep, schedule) }
            : input)];
        var changed = inputs.Except(Manifest.Step.Inputs).ToArray();
        if (changed.Length == 0 && steps == Steps)
        {
            return (this, []);
        }

        var training = (JsonObject)Manifest.Training.DeepClone();
        training[StepsEntry] = steps;
        if (steps is null)
        {
            training.Remove(StepsEntry);
        }

        foreach (var input in changed)
        {
            if (training[SchedulesEntry] is JsonObject described)
            {
                described[input.Name] = JsonSerializer.SerializeToNode(input.Schedule, Manifest.JsonOptions);
            }
        }

        var step = Manifest.Step with { Inputs = inputs };
        var manifest = Manifest with { Training = training, Step = step, Split = Manifest.Split?.WithSchedulesOf(step) };
        return (Described(Folder, manifest), [.. changed.Select(input => input.Name)]);
    }

    private static Schedule Newest(Schedule schedule) => schedule is ChangedSchedule changed ? Newest(changed.After) : schedule;

    /// <summary>Copies the package's files; the manifest comes last.</summary>
    public TrainingPackage CopyTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Files.Where(file => file != ManifestFile))
        {
            File.Copy(Path.Combine(Folder, file), Path.Combine(folder, file));
        }

        AtomicFile.WriteText(Path.Combine(folder, ManifestFile), RegularFile.ReadText(PathOf(ManifestFile)));

        return new TrainingPackage(folder, Manifest);
    }

    /// <summary>Where a file of a program is.</summary>
    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>A deployable graph, still without weights.</summary>
    /// <param name="role">Which: <c>encoder</c>, <c>decoder</c>, ...</param>
    /// <param name="provider">The execution provider whose tuned graph is read too; null for none.</param>
    /// <exception cref="ArgumentException">The package has no such graph.</exception>
    public DeployableModel ReadDeployable(string role, string? provider = null)
    {
        if (!Manifest.Deployables.TryGetValue(role, out var files))
        {
            throw new ArgumentException($"The package '{Folder}' has no graph '{role}' to deploy; it has {string.Join(", ", Manifest.Deployables.Keys)}.", nameof(role));
        }

        return new DeployableModel(
            OnnxModel.Load(PathOf(files.File)), files.Tuned.Where(file => file.Key == provider).ToDictionary(file => file.Key, file => OnnxModel.Load(PathOf(file.Value))));
    }

    private static string IdentityOf(Manifest manifest) => HashOf(new { manifest.Model, manifest.States });

    private static string HashOf<T>(T content) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(content, Manifest.JsonOptions)));

    private static Manifest ReadManifest(string file)
    {
        try
        {
            var json = JsonNode.Parse(RegularFile.ReadText(file), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json is JsonObject entries && entries["formatVersion"] is JsonValue value && value.TryGetValue(out int version) && version != Manifest.CurrentFormatVersion)
            {
                throw new InvalidDataException($"'{file}' has format version {version}; this program reads {Manifest.CurrentFormatVersion}. Compile the model again.");
            }

            var manifest = json.Deserialize<Manifest>(Manifest.JsonOptions) ?? throw new JsonException();
            return manifest.FindFault() is { } fault ? throw new InvalidDataException($"'{file}' cannot be used: {fault}. Compile the model again.") : manifest;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new InvalidDataException($"'{file}' is damaged: it is not the JSON of a manifest. Compile the model again.", e);
        }
    }
}
