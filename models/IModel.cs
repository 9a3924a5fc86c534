using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Programs;
using TorchSharp;

namespace OnnxVae.Models;

/// <summary>
/// What a model computes: its example, the training graph, the evaluation graph, the graphs to deploy. Batches, gradients, the optimizer and files are
/// the <see cref="PackageCompiler"/>'s.
/// </summary>
public interface IModel
{
    /// <summary>What one example is.</summary>
    Example Example { get; }

    /// <summary>What its latents are; null for a model without any.</summary>
    Latents? Latents { get; }

    /// <summary>The modules, with their weights as they are. Parameters that ask for no gradient stay as they are.</summary>
    torch.nn.Module Network { get; }

    /// <summary>What is kept from step to step besides the network's parameters and buffers: of a likelihood, a prior, a codebook.</summary>
    IReadOnlyList<State> States => [];

    /// <summary>What training and evaluation both report of the states.</summary>
    IReadOnlyList<Metric> StateMetrics => [];

    /// <summary>The scalars that the objective takes at every step.</summary>
    IReadOnlyList<ProgramInput> Schedules => [];

    /// <summary>What is minimised, in words.</summary>
    string Objective { get; }

    /// <summary>What else the states depend on, for people, and to tell checkpoints of one model from those of another.</summary>
    JsonObject Description { get; }

    /// <summary>The training graph of a batch.</summary>
    /// <param name="network">Lowers the modules to what they compute in training.</param>
    /// <param name="batchSize">N, examples per step.</param>
    TrainingGraph Train(ModuleLowering network, int batchSize);

    /// <summary>The evaluation of a batch: everything per example, so that averages over any number of examples are exact.</summary>
    /// <param name="network">Lowers the modules to what they compute in evaluation.</param>
    /// <param name="batchSize">N, examples per batch.</param>
    EvaluationGraph Evaluate(ModuleLowering network, int batchSize);

    /// <summary>The graphs to be deployed, for any number of examples.</summary>
    /// <param name="network">Lowers the modules to what they compute in evaluation.</param>
    IEnumerable<Deployable> Deploy(ModuleLowering network);
}

/// <summary>What a training step computes of a batch.</summary>
/// <param name="Loss">What is minimised, a Float32 scalar.</param>
/// <param name="Inputs">The batch, and noise.</param>
public sealed record TrainingGraph(Value Loss, IReadOnlyList<ProgramInput> Inputs)
{
    /// <summary>Updates of states that are not trained by gradient.</summary>
    public IReadOnlyList<StateUpdate> Updates { get; init; } = [];

    /// <summary>What becomes of parameters that the optimizer has changed.</summary>
    public IReadOnlyList<ParameterRevision> Revisions { get; init; } = [];

    /// <summary>Results to report.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];
}

/// <summary>What an evaluation computes of a batch.</summary>
/// <param name="Inputs">The batch, and noise.</param>
/// <param name="Metrics">The results.</param>
public sealed record EvaluationGraph(IReadOnlyList<ProgramInput> Inputs, IReadOnlyList<Metric> Metrics);

/// <summary>A graph to be deployed.</summary>
/// <param name="Role">What it is: <c>encoder</c>, <c>decoder</c>, ...</param>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Outputs">Its results, by name.</param>
/// <param name="Metadata">What its file says besides what all say.</param>
public sealed record Deployable(
    string Role, IReadOnlyList<Value> Inputs, IReadOnlyList<(string Name, Value Value)> Outputs, params IReadOnlyList<(string Key, string Value)> Metadata);
