using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Programs;

/// <summary>
/// A compiled model on disk: a folder with <c>manifest.json</c>, the programs, the deployable graphs without weights, and
/// the states before the first step. Training one needs ONNX Runtime and nothing of what compiled it.
/// </summary>
public sealed class TrainingPackage
{
    private const string ManifestFile = "manifest.json";
    private const string InitialFile = "initial.safetensors";

    private TrainingPackage(string folder, Manifest manifest) => (Folder, Manifest) = (folder, manifest);

    /// <summary>The package's folder.</summary>
    public string Folder { get; }

    /// <summary>Its table of contents.</summary>
    public Manifest Manifest { get; }

    private string[] Files => [InitialFile, .. Manifest.Step.Files, .. Manifest.Evaluate.Files, .. Manifest.Deployables.Values, ManifestFile];

    /// <summary>Identifies the package by its content: checkpoints carry it.</summary>
    public string Fingerprint
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (string file in Files)
            {
                hash.AppendData(File.ReadAllBytes(Path.Combine(Folder, file)));
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <summary>Compiles programs and writes a package; the manifest comes last, so that a folder with one is complete.</summary>
    /// <param name="folder">The folder, made if missing.</param>
    /// <param name="model">Objective and hyper-parameters.</param>
    /// <param name="step">The training step.</param>
    /// <param name="evaluate">The evaluation of one batch.</param>
    /// <param name="deployables">Graphs to export after training, by role; their inputs named like states are the weights.</param>
    /// <param name="target">Where the programs will run; the processor if absent.</param>
    public static TrainingPackage Write(
        string folder, JsonObject model, Program step, Program evaluate, IReadOnlyDictionary<string, OnnxModel> deployables,
        ExpansionTarget? target = null)
    {
        var states = step.States.Union(step.Updates.Select(update => update.State)).ToArray();
        CompiledProgram[] programs = [step.Compile(target), evaluate.Compile(target)];
        var files = deployables.ToDictionary(pair => pair.Key, pair => $"{pair.Key}.onnx");
        var manifest = new Manifest(
            Manifest.CurrentFormatVersion, model, programs[0].Spec, programs[1].Spec, [.. states.Select(state => state.Spec)], files);

        foreach (var program in programs)
        {
            program.Model.Save(Path.Combine(folder, program.Spec.File));
            program.Silent?.Save(Path.Combine(folder, program.Spec.SilentFile!));
        }

        foreach (var (role, deployable) in deployables)
        {
            deployable.Save(Path.Combine(folder, files[role]));
        }

        Safetensors.Save(Path.Combine(folder, InitialFile), states.ToDictionary(state => state.Spec.Name, state => state.Initial));
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

        string file = Path.Combine(folder, ManifestFile);
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"'{folder}' is not a training package: it has no {ManifestFile}. Make one with 'onnxvae compile'.");
        }

        return new TrainingPackage(folder, ReadManifest(file));
    }

    /// <summary>The states before the first step, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> ReadInitialStates() => Safetensors.Load(Path.Combine(Folder, InitialFile)).Tensors;

    /// <summary>Copies the package's files; the manifest comes last.</summary>
    public TrainingPackage CopyTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Files)
        {
            File.Copy(Path.Combine(Folder, file), Path.Combine(folder, file));
        }

        return new TrainingPackage(folder, Manifest);
    }

    /// <summary>Where a file of a program is.</summary>
    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>A deployable graph, still without weights.</summary>
    public OnnxModel ReadDeployable(string role) => OnnxModel.Load(Path.Combine(Folder, Manifest.Deployables[role]));

    private static Manifest ReadManifest(string file)
    {
        try
        {
            if (JsonSerializer.Deserialize<Manifest>(File.ReadAllText(file), Manifest.JsonOptions) is { } manifest)
            {
                return manifest.FormatVersion == Manifest.CurrentFormatVersion ? manifest : throw new InvalidDataException(
                    $"'{file}' has format version {manifest.FormatVersion}; this program reads {Manifest.CurrentFormatVersion}. Compile the model again.");
            }
        }
        catch (JsonException)
        {
            // Reported below.
        }

        throw new InvalidDataException($"'{file}' is damaged: it is not the JSON of a manifest. Compile the model again.");
    }
}
