using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Steps;

namespace OnnxVae.Cli.Runs;

/// <summary>All options of a run's auxiliary model, as stored in its folder.</summary>
internal abstract record AuxiliaryOptions : IJsonOnDeserialized
{
    [Argument("RUN", "The run."), JsonIgnore]
    public string Run { get; init; } = "";

    [Group, JsonRequired]
    public AuxiliaryTraining Training { get; init; } = new();

    [JsonOption, JsonIgnore]
    public bool Json { get; init; }

    /// <exception cref="InvalidDataException">A stored value is not allowed for its option.</exception>
    void IJsonOnDeserialized.OnDeserialized() => OptionRecord.RequireValid(this);
}

/// <summary>How an auxiliary model of any kind is trained.</summary>
internal sealed record AuxiliaryTraining
{
    private const int UsualBatch = 64;
    private const double MaxGradientNorm = 1; // attention is sensitive to large gradients

    [Option(Topic.Optimization, "Images per step; 64, or the run's if that is smaller, if left out."), Between(1, BetweenAttribute.LargestWidth)]
    public int? Batch { get; init; }

    [AccumulateOption, Between(1, BetweenAttribute.LargestWidth)]
    public int Accumulate { get; init; } = 1;

    [Option(Topic.Optimization, "The largest step size; it falls to 0 along half a cosine."), Positive]
    public double LearningRate { get; init; } = 1e-3;

    [Option(Topic.Optimization, "Steps in which the learning rate rises from 0."), Between(0, BetweenAttribute.LargestCount)]
    public int WarmUp { get; init; } = 100;

    [Option(Topic.Run, "Training steps."), AtLeast(1)]
    public long Steps { get; init; }

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Group, JsonRequired]
    public LoggingOptions Logging { get; init; } = new();

    [Group, JsonRequired]
    public ExecutionOptions Execution { get; init; } = new();

    /// <summary>The same with the batch size filled in for an autoencoder's run.</summary>
    public AuxiliaryTraining Resolve(RunFolder autoencoder) =>
        this with { Batch = Batch ?? (int)Math.Min(UsualBatch, TrainingPackage.Open(autoencoder.Package).Manifest.Step.Images.Shape[0]) };

    /// <summary>Writes the package of a model that is trained with these options.</summary>
    /// <param name="folder">The target folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="description">Further entries of its description.</param>
    /// <param name="processes">Processes that train it together.</param>
    public TrainingPackage Write(string folder, IModel model, JsonObject description, int processes)
    {
        var optimizer = new Adam(new CosineSchedule(LearningRate, WarmUp, Steps));
        description["seed"] = Seed;
        return new PackageCompiler(model, new TrainingOptions { BatchSize = Batch!.Value, Optimizer = optimizer, Steps = Steps, MaxGradientNorm = MaxGradientNorm })
            .Write(folder, description, CompilationTarget.Training with { Provider = Execution.ParseDevice().Provider }, BatchPlan.PartSizeToCompile(Batch!.Value, Accumulate, processes));
    }
}
