using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using TorchSharp;

namespace OnnxVae.Models;

/// <summary>
/// What a model computes: its example, the training graph, the evaluation graph, the graphs to deploy. Batches, gradients, the optimizer and files are
/// handled by the <see cref="PackageCompiler"/>.
/// </summary>
public interface IModel
{
    /// <summary>A single example.</summary>
    Example Example { get; }

    /// <summary>The latents of an example; null for a model without any.</summary>
    Latents? Latents { get; }

    /// <summary>The modules, with their current weights. Parameters that do not require gradients are frozen.</summary>
    torch.nn.Module Network { get; }

    /// <summary>States besides the network's parameters and buffers: those of a likelihood, a prior, a codebook.</summary>
    IReadOnlyList<State> States => [];

    /// <summary>Metrics of the states that training and evaluation both report.</summary>
    IReadOnlyList<Metric> StateMetrics => [];

    /// <summary>The scalars that the objective needs at every step.</summary>
    IReadOnlyList<ProgramInput> Schedules => [];

    /// <summary>The objective, in words.</summary>
    string Objective { get; }

    /// <summary>What else the states depend on, for people and to distinguish the checkpoints of different models.</summary>
    JsonObject Description { get; }

    /// <summary>What a name in <see cref="TrainingOptions.Frozen"/> and <see cref="TrainingOptions.Groups"/> stands for.</summary>
    /// <param name="name">A part of the model, such as <c>encoder</c> and <c>decoder</c>, or a pattern, which stands for itself.</param>
    IReadOnlyList<ParameterPattern> PatternsOf(string name) => [new(name)];

    /// <summary>The training graph of a batch.</summary>
    /// <param name="network">Lowers the modules in training mode.</param>
    /// <param name="batchSize">N, examples per step.</param>
    TrainingGraph Train(ModuleLowering network, int batchSize);

    /// <summary>The evaluation of a batch: everything per example, so that averages over any number of examples are exact.</summary>
    /// <param name="network">Lowers the modules in evaluation mode.</param>
    /// <param name="batchSize">N, examples per batch.</param>
    EvaluationGraph Evaluate(ModuleLowering network, int batchSize);

    /// <summary>The deployable graphs, for any number of examples.</summary>
    /// <param name="network">Lowers the modules in evaluation mode.</param>
    IEnumerable<Deployable> Deploy(ModuleLowering network);
}

/// <summary>What a training step computes for a batch.</summary>
/// <param name="Loss">The loss to minimize, a Float32 scalar.</param>
/// <param name="Inputs">The batch, and noise.</param>
public sealed record TrainingGraph(Value Loss, IReadOnlyList<ProgramInput> Inputs)
{
    /// <summary>Updates of states that are not trained by gradient.</summary>
    public IReadOnlyList<StateUpdate> Updates { get; init; } = [];

    /// <summary>Changes to parameters after the optimizer's update.</summary>
    public IReadOnlyList<ParameterRevision> Revisions { get; init; } = [];

    /// <summary>Metrics to report.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];
}

/// <summary>What an evaluation computes for a batch.</summary>
/// <param name="Inputs">The batch, and noise.</param>
/// <param name="Metrics">The results.</param>
public sealed record EvaluationGraph(IReadOnlyList<ProgramInput> Inputs, IReadOnlyList<Metric> Metrics);

/// <summary>A deployable graph.</summary>
/// <param name="Role">What it is: <c>encoder</c>, <c>decoder</c>, ...</param>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Outputs">Its results, by name.</param>
/// <param name="Metadata">Metadata of its file besides the entries of all files.</param>
public sealed record Deployable(
    string Role, IReadOnlyList<Value> Inputs, IReadOnlyList<(string Name, Value Value)> Outputs, params IReadOnlyList<(string Key, string Value)> Metadata);
