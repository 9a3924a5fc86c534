using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Passes;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Models;

/// <summary>Compiles a model into a training package: the training step, the evaluation of a batch, and the deployable graphs.</summary>
public sealed class PackageCompiler
{
    private const int MostNamed = 6; // in a message
    private const int PixelBits = 8;

    private readonly IModel model;
    private readonly TrainingOptions options;
    private readonly ModuleLowering network;
    private readonly WeightAveraging? averaging;

    /// <summary>Takes a model, with its current weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How it is trained.</param>
    /// <exception cref="ArgumentException">The batch is empty; or nothing is left to train, or a name matches no trained parameter.</exception>
    public PackageCompiler(IModel model, TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (options.BatchSize < 1)
        {
            throw new ArgumentException($"The batch size is {options.BatchSize}; a batch has at least 1 example.", nameof(options));
        }

        (this.model, this.options) = (model, options);
        network = new ModuleLowering(model.Network, options.Layers);
        States = WithFrozen([.. network.States, .. model.States]);
        averaging = options.WeightAveraging is { } decay ? new WeightAveraging(States, decay) : null;
    }

    /// <summary>The training step: forward pass, gradients, optimizer.</summary>
    public Program Step() => ToTrainingStep().ToProgram();

    /// <summary>
    /// The training step in two programs, for batches in parts: gradients, and the update. Gradients and the counts of codes are those of the whole batch; batch
    /// normalization and sigma in closed form see one part at a time, and dead codes are replaced by vectors of the first part.
    /// </summary>
    /// <param name="partSize">Examples in a part.</param>
    public SplitStep SplitStep(int partSize) => ToTrainingStep(partSize).ToSplit();

    /// <summary>The training step, for other engines than this project's.</summary>
    /// <param name="examples">Examples in a batch; as many as the options say if left out.</param>
    public TrainingStep ToTrainingStep(int? examples = null)
    {
        var training = network.ForTraining();
        var graph = model.Train(training, examples ?? options.BatchSize);
        return new TrainingStep(graph.Loss, States, options.Optimizer)
        {
            Inputs = [.. graph.Inputs, .. training.Noise, .. model.Schedules],
            Updates = [.. graph.Updates, .. training.Updates],
            Groups = [.. options.Groups.Select(group => new ParameterGroup(group.Key, Matching(group.Key, States), group.Value))],
            Gradients = options.Gradients,
            Revisions = graph.Revisions,
            MaxGradientNorm = options.MaxGradientNorm,
            Averaging = averaging,
            Metrics = [.. graph.Metrics, .. model.StateMetrics],
        };
    }

    /// <summary>The evaluation of one batch: everything per example, so that averages over any number of examples are exact.</summary>
    public Program Evaluate()
    {
        var graph = model.Evaluate(network, options.BatchSize);
        Metric[] metrics = [.. graph.Metrics, .. model.StateMetrics];
        var values = Evaluated([.. metrics.Select(metric => metric.Value)]);
        return new Program("evaluate", graph.Inputs, EvaluatedStates, [], [.. metrics.Zip(values, (metric, value) => metric with { Value = value })]);
    }

    /// <summary>The deployable graphs, without weights, by role: <c>encoder</c>, <c>decoder</c>, ...</summary>
    public IReadOnlyDictionary<string, DeployableModel> Deployables() => model.Deploy(network).ToDictionary(graph => graph.Role, Build);

    /// <summary>One of the deployable graphs, without weights.</summary>
    /// <param name="role">Its role.</param>
    /// <exception cref="ArgumentException">The model has no such graph.</exception>
    public DeployableModel Deployable(string role) => model.Deploy(network).FirstOrDefault(graph => graph.Role == role) is { } found
        ? Build(found)
        : throw new ArgumentException($"The model has no graph '{role}'; it has {string.Join(", ", model.Deploy(network).Select(graph => graph.Role))}.", nameof(role));

    /// <summary>Writes the training package.</summary>
    /// <param name="folder">The folder to write to.</param>
    /// <param name="description">Entries to add to the manifest's description of the model.</param>
    /// <param name="target">Where it will run; the CPU if left out.</param>
    /// <param name="partSize">Examples in a part, for batches that are computed in parts; null to leave out the step in two programs.</param>
    public TrainingPackage Write(string folder, JsonObject? description = null, CompilationTarget? target = null, int? partSize = null) =>
        TrainingPackage.Write(
            folder, DescribeModel(description ?? []), DescribeTraining(target ?? CompilationTarget.Training),
            Step().Compile(target), Evaluate().Compile(target), Weigh()?.Compile(target), Deployables(), partSize is { } size ? CompileSplit(size, target) : null);

    private CompiledSplitStep CompileSplit(int partSize, CompilationTarget? target)
    {
        var split = SplitStep(partSize);
        return new CompiledSplitStep(split.Gradients.Compile(target), split.Apply.Compile(target));
    }

    private IReadOnlyList<State> States { get; }

    private State[] WithFrozen(IReadOnlyList<State> states)
    {
        var frozen = options.Frozen.SelectMany(name => Matching(name, states)).ToHashSet();
        State[] result = [.. states.Select(state => frozen.Contains(state) ? state with { Spec = state.Spec with { Role = StateRole.Frozen } } : state)];
        return result.Any(state => state.Spec.Role == StateRole.Parameter) ? result : throw new ArgumentException("All parameters are frozen: leave some to train.");
    }

    // The trained parameters that a name stands for.
    private State[] Matching(string name, IReadOnlyList<State> states)
    {
        var patterns = model.PatternsOf(name);
        State[] trained = [.. states.Where(state => state.Spec.Role == StateRole.Parameter)];
        State[] chosen = [.. trained.Where(state => patterns.Any(each => each.Matches(state.Spec.Name)))];
        return chosen.Length > 0 ? chosen : throw new ArgumentException(
            $"'{name}' matches no trained parameter: give a part of the model, a module path or a name, with * for any characters. The first of {trained.Length} are {string.Join(", ", trained.Take(MostNamed).Select(state => state.Spec.Name))}.");
    }

    // Evaluation and export use the averaged weights if there are any.
    private IReadOnlyList<State> EvaluatedStates => [.. States, .. averaging?.Averages.Values ?? []];

    private IReadOnlyList<Value> Evaluated(IReadOnlyList<Value> values) => averaging is null ? values : StateReplacement.Replace(values, averaging.Averages);

    // Only the log-weight of another sample for a batch, without the rest of the evaluation.
    private Program? Weigh()
    {
        var evaluate = Evaluate();
        Metric[] weights = [.. evaluate.Metrics.Where(metric => metric.Role == MetricRole.LogImportanceWeight)];
        return weights.Length == 0 ? null : evaluate with { Name = "weigh", Metrics = weights };
    }

    private DeployableModel Build(Deployable graph)
    {
        var example = model.Example;
        var values = Evaluated([.. graph.Outputs.Select(output => output.Value)]);
        var built = GraphCompiler.BuildDeployable(
            graph.Role, [.. graph.Inputs, .. EvaluatedStates.Select(state => state.Current)], [.. graph.Outputs.Zip(values, (output, value) => (output.Name, value))]);
        (string Key, string Value)[] entries =
        [
            (MetadataKeys.Kind, graph.Role),
            (MetadataKeys.Shape, string.Join(',', example.Shape.Axes)),
            .. example.IsUnitRange ? [(MetadataKeys.PixelRange, "0,1")] : ((string, string)[])[],
            .. ScalingEntries(example),
            (MetadataKeys.Version, typeof(PackageCompiler).Assembly.GetName().Version!.ToString(3)),
            (MetadataKeys.Objective, model.Objective),
            .. model.Latents?.Metadata ?? [],
            .. graph.Metadata,
        ];
        var metadata = entries.ToDictionary(entry => entry.Key, entry => entry.Value);
        var tuned = new Dictionary<string, string>(metadata) { [MetadataKeys.ImagesAtATime] = $"{CompilationTarget.ImagesAtATime}" };
        return new DeployableModel(built.AnyRuntime.WithMetadata(metadata), built.Tuned.ToDictionary(entry => entry.Key, entry => entry.Value.WithMetadata(tuned)));
    }

    private static IEnumerable<(string Key, string Value)> ScalingEntries(Example example)
    {
        if (example.Scaling is { BitDepth: > PixelBits } scaling)
        {
            yield return (MetadataKeys.BitDepth, $"{scaling.BitDepth}");
            if (scaling.Scales.Count > 0)
            {
                yield return (MetadataKeys.Scaling, scaling.Kind == ScalingKind.Standard ? ScalingNames.Standard : ScalingNames.MinMax);
                yield return (MetadataKeys.Offsets, JsonSerializer.Serialize(scaling.Offsets));
                yield return (MetadataKeys.Scales, JsonSerializer.Serialize(scaling.Scales));
            }
        }

        if (example.IsChannelsLast)
        {
            yield return (MetadataKeys.Layout, MetadataKeys.ChannelsLast);
        }

        if (example.Table is { } table)
        {
            yield return (MetadataKeys.Columns, table.ToJson());
        }
    }

    private JsonObject DescribeModel(JsonObject further)
    {
        var example = model.Example;
        var description = new JsonObject
        {
            ["objective"] = model.Objective,
            ["imageShape"] = new JsonArray([.. example.Shape.Axes.Select(size => (JsonNode)size)]),
            ["parameters"] = States.Where(state => state.Spec.Role is StateRole.Parameter or StateRole.Frozen).Sum(state => state.Spec.Shape.ElementCount),
        };
        if (example.Scaling is { BitDepth: > PixelBits } scaling)
        {
            description["bitDepth"] = scaling.BitDepth;
            description["unitRange"] = scaling.IsUnitRange;
        }

        if (example.IsChannelsLast)
        {
            description["layout"] = MetadataKeys.ChannelsLast;
        }

        if (example.Table is { } table)
        {
            description["columns"] = JsonNode.Parse(table.ToJson());
        }

        if (model.Latents is { } latents)
        {
            description["latents"] = latents.Size;
        }

        if (model.Example.Classes.Count > 0)
        {
            description["classes"] = new JsonArray([.. model.Example.Classes.Select(name => (JsonNode)name)]);
        }

        foreach (var (key, value) in model.Description.Concat(further))
        {
            description[key] = value?.DeepClone();
        }

        return description;
    }

    private IEnumerable<ProgramInput> GroupRates =>
        options.Groups.Select(group => ProgramInput.Scheduled(ParameterGroup.NameOf(group.Value.LearningRate, group.Key), group.Value.LearningRate.Spec.Schedule!));

    private JsonObject DescribeTraining(CompilationTarget target)
    {
        var description = new JsonObject
        {
            ["batchSize"] = options.BatchSize,
            ["optimizer"] = options.Optimizer.Name,
            ["maxGradientNorm"] = options.MaxGradientNorm,
            ["weightAveraging"] = options.WeightAveraging,
            ["frozen"] = options.Frozen.Count > 0 ? new JsonArray([.. options.Frozen.Select(pattern => (JsonNode)pattern)]) : null,
            ["schedules"] = new JsonObject(model.Schedules.Prepend(options.Optimizer.LearningRate).Concat(GroupRates).Select(input => KeyValuePair.Create(
                input.Spec.Name, JsonSerializer.SerializeToNode(input.Spec.Schedule, Manifest.JsonOptions)))),
            ["provider"] = target.Provider,
            ["precise"] = target.IsPrecise,
        };
        if (options.Steps is { } steps)
        {
            description["steps"] = steps;
        }

        return description;
    }
}
