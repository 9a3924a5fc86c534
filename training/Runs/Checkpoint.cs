using System.Globalization;
using OnnxVae.Format;

namespace OnnxVae.Training.Runs;

/// <summary>
/// The complete state of training. Data order and noise are functions of seed and step, so the step is
/// their position too.
/// </summary>
/// <param name="Step">Steps done.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Identity">The model that the states belong to: <see cref="TrainingPackage.Identity"/>.</param>
/// <param name="States">The states, by name.</param>
public sealed record Checkpoint(long Step, ulong Seed, string Identity, IReadOnlyDictionary<string, Tensor> States)
{
    private const string Format = "onnxvae-checkpoint-2";
    private const string FigureEntry = "figure";

    /// <summary>The validation figure that made it the best checkpoint when it was written; null if it was not.</summary>
    public double? Figure { get; init; }

    /// <summary>Writes the checkpoint atomically.</summary>
    public void Save(string path)
    {
        var metadata = new Dictionary<string, string>
        {
            ["format"] = Format,
            ["step"] = Step.ToString(CultureInfo.InvariantCulture),
            ["seed"] = Seed.ToString(CultureInfo.InvariantCulture),
            ["identity"] = Identity,
        };
        if (Figure is { } figure)
        {
            metadata[FigureEntry] = figure.ToString("R", CultureInfo.InvariantCulture);
        }

        Safetensors.Save(path, States, metadata);
    }

    /// <summary>Reads a checkpoint of a package.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, is not a checkpoint, or belongs to another model.</exception>
    public static Checkpoint Load(string path, TrainingPackage package) => Read(path).For(package, path);

    /// <summary>Requires the checkpoint to belong to a package's model.</summary>
    /// <param name="package">The package.</param>
    /// <param name="path">The checkpoint's file, for messages.</param>
    /// <exception cref="InvalidDataException">It does not.</exception>
    internal Checkpoint For(TrainingPackage package, string path)
    {
        if (Identity != package.Identity)
        {
            throw new InvalidDataException(
                $"'{path}' is of another model than the package '{package.Folder}': resume with the package that the run was started with, or train in another folder.");
        }

        package.RequireStates(States, path);
        return this;
    }

    /// <summary>Whether a file with this metadata is a checkpoint.</summary>
    internal static bool IsFormat(IReadOnlyDictionary<string, string> metadata) => metadata.GetValueOrDefault("format") == Format;

    /// <summary>Reads a checkpoint of any package.</summary>
    /// <exception cref="InvalidDataException">The file is damaged, or is not a checkpoint.</exception>
    internal static Checkpoint Read(string path)
    {
        var (states, metadata) = Safetensors.Load(path);
        if (!IsFormat(metadata))
        {
            throw new InvalidDataException($"'{path}' is not a checkpoint of a training run.");
        }

        return metadata.TryGetValue("identity", out string? identity) && long.TryParse(metadata.GetValueOrDefault("step"), NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            && ulong.TryParse(metadata.GetValueOrDefault("seed"), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? new Checkpoint(step, seed, identity, states) { Figure = double.TryParse(metadata.GetValueOrDefault(FigureEntry), NumberStyles.Float, CultureInfo.InvariantCulture, out double figure) ? figure : null }
            : throw new InvalidDataException($"'{path}' is damaged: it does not say of which step, seed and model it is.");
    }
}
