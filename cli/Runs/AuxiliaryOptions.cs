using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Everything that a run's auxiliary model was asked for, as it is stored in its folder.</summary>
internal abstract record AuxiliaryOptions
{
    public required AuxiliaryTraining Training { get; init; }
}

/// <summary>How an auxiliary model is trained, whatever it is.</summary>
internal sealed record AuxiliaryTraining : IJsonOnDeserialized
{
    /// <summary>The largest length of all gradients together: attention is sensitive to it.</summary>
    private const double MaxGradientNorm = 1;

    /// <summary>Options that may change between two parts of a training.</summary>
    public static readonly string[] NamesOfHow = ["device", "threads", "logEvery", "checkpointEvery"];

    public int Batch { get; init; }

    public double LearningRate { get; init; }

    public int WarmUp { get; init; }

    public long Steps { get; init; }

    public ulong Seed { get; init; }

    public required string Device { get; init; }

    public int Threads { get; init; }

    public int LogEvery { get; init; }

    public int CheckpointEvery { get; init; }

    /// <exception cref="InvalidDataException">A stored number is none that a run can have.</exception>
    void IJsonOnDeserialized.OnDeserialized()
    {
        StoredNumber.Require("steps", Steps, 1);
        StoredNumber.Require("threads", Threads, 0);
        StoredNumber.Require("logEvery", LogEvery, 1);
        StoredNumber.Require("checkpointEvery", CheckpointEvery, 1);
    }

    [JsonIgnore]
    public TrainerOptions TrainerOptions => new(Steps, Seed, OnnxDevice.Parse(Device), Threads, LogEvery, CheckpointEvery);

    /// <summary>Writes the package of a model that is trained like this.</summary>
    public TrainingPackage Write(string folder, IModel model, JsonObject description)
    {
        var optimizer = new Adam(new CosineSchedule(LearningRate, WarmUp, Steps));
        description["seed"] = Seed;
        return new PackageCompiler(model, new TrainingOptions(Batch, optimizer) { MaxGradientNorm = MaxGradientNorm })
            .Write(folder, description, ExpansionTarget.Training with { Provider = OnnxDevice.Parse(Device).Provider });
    }
}
