using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Files;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>
/// An ONNX model as a graph that can be extended, differentiated and trained: give it a loss, turn it into a
/// <see cref="Optimizers.TrainingStep"/>, and write it again.
/// </summary>
/// <param name="Name">The graph's name.</param>
/// <param name="Inputs">The inputs, in order.</param>
/// <param name="Outputs">The outputs, in order, by name.</param>
/// <param name="Parameters">The stored tensors that may be trained, under their names in the file.</param>
/// <param name="Frozen">The names of the other stored float tensors.</param>
public sealed record OnnxGraph(
    string Name, IReadOnlyList<Value> Inputs, IReadOnlyList<(string Name, Value Value)> Outputs, IReadOnlyList<State> Parameters, IReadOnlyList<string> Frozen)
{
    /// <summary>The oldest operator set that is read.</summary>
    public const int OldestOperatorSet = 13;

    /// <summary>The newest operator set that is read.</summary>
    public const int NewestOperatorSet = 22;

    /// <summary>The output of a model that has one.</summary>
    public Value Output => Outputs.Single().Value;

    /// <summary>Reads a model, of this project or another producer.</summary>
    /// <remarks>
    /// 16- and 64-bit floats are read and computed as 32-bit, and all integers except bytes as 64-bit. Unknown operators and settings stay
    /// as they are; gradients through them are rejected by name. Sub-graphs (If, Loop, Scan) and operators of other domains are not read.
    /// </remarks>
    /// <param name="model">The model.</param>
    /// <param name="batch">The size of the inputs' first dimensions, where they are symbolic; gradients need it known.</param>
    /// <param name="isTrained">
    /// Whether a stored float tensor, by name, may be trained. By default those with at least one axis through which a gradient
    /// can reach them, except the running statistics of normalizations, operator settings, and the unnamed constants of this
    /// project's files.
    /// </param>
    /// <param name="sizes">Sizes of further symbolic dimensions, by their names, or by <c>INPUT[AXIS]</c> where they have none.</param>
    /// <exception cref="InvalidDataException">The model has something that is not supported; the message says which node and what.</exception>
    public static OnnxGraph Read(OnnxModel model, long batch = Shape.Batch, Func<string, bool>? isTrained = null, IReadOnlyDictionary<string, long>? sizes = null)
    {
        RequireStandardOperators(model);
        if (isTrained is not null)
        {
            return ReadNodes(model, batch, isTrained, sizes);
        }

        var untrained = UntrainedOf(model.Proto);
        var graph = ReadNodes(model, batch, name => !untrained.Contains(name), sizes);
        var reachable = GradientPaths.Into([.. graph.Outputs.Select(output => output.Value)]);
        string[] unreachable = [.. graph.Parameters.Where(parameter => !reachable.Contains(parameter.Current)).Select(parameter => parameter.Spec.Name)];
        return unreachable.Length == 0 ? graph : ReadNodes(model, batch, name => !untrained.Contains(name) && !unreachable.Contains(name), sizes);
    }

    private static OnnxGraph ReadNodes(OnnxModel model, long batch, Func<string, bool> isTrained, IReadOnlyDictionary<string, long>? sizes)
    {
        var symbols = new SymbolicSizes(batch, sizes ?? new Dictionary<string, long>());
        Value[] inputs = [.. model.Inputs.Select(input => Value.Input(input.Name, ProtoTensors.TypeOf((int)input.Type), symbols.OfInput(model.Proto.Graph.Input.First(info => info.Name == input.Name))))];
        var values = new ReadValues(model.OperatorSets["ai.onnx"], DeclaredBy(model.Proto.Graph, symbols));
        Array.ForEach(inputs, input => values.Add(input.Name!, new Operand(input)));
        var (parameters, frozen) = (new List<State>(), new List<string>());
        var settings = SettingsOf(model.Proto.Graph);
        foreach (var proto in model.Proto.Graph.Initializer)
        {
            var tensor = ProtoTensors.Read(proto);
            if (tensor is { Type: ElementType.Float32, Shape.Rank: > 0 } && !settings.Contains(proto.Name) && isTrained(proto.Name))
            {
                parameters.Add(State.Create(proto.Name, StateRole.Parameter, tensor));
                values.Add(proto.Name, new Operand(parameters[^1].Current));
            }
            else
            {
                values.Add(proto.Name, new Operand(Value.Of(tensor)));
                if (tensor.Type == ElementType.Float32)
                {
                    frozen.Add(proto.Name);
                }
            }
        }

        foreach (var node in model.Proto.Graph.Node)
        {
            var results = new OnnxNode(node, values).Read();
            foreach (var (name, result) in node.Output.Zip(results).Where(output => output.First.Length > 0))
            {
                values.Add(name, result);
            }
        }

        return new OnnxGraph(model.Proto.Graph.Name, inputs, [.. model.Outputs.Select(output => (output.Name, OutputOf(output)))], parameters, frozen);

        Value OutputOf(ModelTensor output) => values.Find(output.Name) is not { } result ? throw new InvalidDataException($"The model's output '{output.Name}' is not computed by any node: the file is damaged.")
            : result.Type != ProtoTensors.TypeOf((int)output.Type) ? throw new InvalidDataException($"The model's output '{output.Name}' is said to be {output.Type}, but its node computes {result.Type}: the file is damaged.")
            : result.Value;
    }

    // What the file says about results, for nodes that stay as they are.
    private static Dictionary<string, ModelTensor> DeclaredBy(GraphProto graph, SymbolicSizes symbols)
    {
        var declared = new Dictionary<string, ModelTensor>();
        foreach (var info in graph.ValueInfo.Concat(graph.Output).Where(info => info.Type?.TensorType?.Shape is not null))
        {
            if (symbols.OfResult(info) is { } shape)
            {
                declared[info.Name] = new ModelTensor(info.Name, ProtoTensors.TypeOf(info.Type.TensorType.ElemType), shape);
            }
        }

        return declared;
    }

    /// <summary>The outputs for other inputs, with the parameters as states.</summary>
    /// <param name="inputs">A value for each input, of its type and shape.</param>
    public IReadOnlyList<(string Name, Value Value)> On(params IReadOnlyList<Value> inputs)
    {
        var replacements = Inputs.Zip(inputs).ToDictionary(pair => pair.First, pair => pair.Second);
        var values = GraphRewriter.Substitute([.. Outputs.Select(output => output.Value)], leaf => replacements.GetValueOrDefault(leaf, leaf));
        return [.. Outputs.Zip(values, (output, value) => (output.Name, value))];
    }

    /// <summary>The graph as a model again, with its parameters as they were read.</summary>
    /// <param name="target">What the model is compiled for; serving on any runtime if left out.</param>
    public OnnxModel ToModel(CompilationTarget? target = null) => GraphCompiler
        .Build(Name, [.. Inputs, .. Parameters.Select(parameter => parameter.Current)], Outputs, target)
        .Bake(Parameters.ToDictionary(parameter => parameter.Spec.Name, parameter => parameter.Initial));

    // The running mean and variance of normalizations, and constants that this project's writer named.
    private static HashSet<string> UntrainedOf(ModelProto model) =>
    [
        .. model.Graph.Node.Where(node => node.OpType == "BatchNormalization").SelectMany(node => node.Input.Skip(3)),
        .. model.ProducerName == OnnxModelWriter.Producer ? model.Graph.Initializer.Select(tensor => tensor.Name).Where(OnnxModelWriter.IsNameOfConstant) : [],
    ];

    // Stored numbers that are operator settings, not weights: scales, exponents, limits.
    private static HashSet<string> SettingsOf(GraphProto graph) => [.. graph.Node.SelectMany(node => node.OpType switch
    {
        "Resize" or "Pow" or "Clip" => node.Input.Skip(1),
        "Pad" => node.Input.Skip(2),
        _ => [],
    })];

    private static void RequireStandardOperators(OnnxModel model)
    {
        long version = model.OperatorSets.GetValueOrDefault("ai.onnx");
        if (version < OldestOperatorSet)
        {
            throw new InvalidDataException($"The model is written in operator set {version}; sets from {OldestOperatorSet} on are read: convert it with ONNX's version converter.");
        }

        if (version > NewestOperatorSet)
        {
            throw new InvalidDataException($"The model is written in operator set {version}; sets up to {NewestOperatorSet} are read: export it in one of them.");
        }

        if (model.Outputs.CountBy(output => output.Name).FirstOrDefault(output => output.Value > 1).Key is { } twice)
        {
            throw new InvalidDataException($"The model's output '{twice}' is listed twice: the file is damaged.");
        }

        if (model.Inputs.Concat(model.Outputs).FirstOrDefault(value => value.IsSequence) is { } sequence)
        {
            throw new InvalidDataException($"'{sequence.Name}' is a sequence; only tensors are read.");
        }

        if (model.Inputs.FirstOrDefault(input => !Enum.IsDefined(ProtoTensors.TypeOf((int)input.Type))) is { } strange)
        {
            throw new InvalidDataException($"The model's input '{strange.Name}' has ONNX's element type {(int)strange.Type}; real numbers, integers and Bool are read.");
        }

        if (model.Proto.Graph.Node.FirstOrDefault(node => node.Domain is { Length: > 0 } and not "ai.onnx") is { } foreign)
        {
            throw new InvalidDataException($"{foreign.OpType} '{foreign.Name}' is an operator of domain '{foreign.Domain}'; only the standard domain is read: export the model before it is optimized for a runtime.");
        }
    }
}
