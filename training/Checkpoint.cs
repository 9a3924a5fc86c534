using System.Globalization;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Training;

/// <summary>
/// Everything that training has to remember. Order of the data and noise are functions of seed and step, so the step is
/// their position too.
/// </summary>
/// <param name="Step">Steps done.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Package">The fingerprint of the package that the states belong to.</param>
/// <param name="States">The states, by name.</param>
public sealed record Checkpoint(long Step, ulong Seed, string Package, IReadOnlyDictionary<string, Tensor> States)
{
    private const string Format = "onnxvae-checkpoint-1";

    /// <summary>Writes the checkpoint; the file is there as a whole or not at all.</summary>
    public void Save(string path) => Safetensors.Save(path, States, new Dictionary<string, string>
    {
        ["format"] = Format,
        ["step"] = Step.ToString(CultureInfo.InvariantCulture),
        ["seed"] = Seed.ToString(CultureInfo.InvariantCulture),
        ["package"] = Package,
    });

    /// <summary>Reads a checkpoint of a package.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, no checkpoint, or belongs to another package.</exception>
    public static Checkpoint Load(string path, string package)
    {
        var (states, metadata) = Safetensors.Load(path);
        if (metadata.GetValueOrDefault("format") != Format)
        {
            throw new InvalidDataException($"'{path}' is no checkpoint of a training run.");
        }

        return metadata["package"] == package
            ? new Checkpoint(Number(metadata["step"]), ulong.Parse(metadata["seed"], CultureInfo.InvariantCulture), package, states)
            : throw new InvalidDataException($"'{path}' belongs to another model: it was made by a run of a different package.");
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
