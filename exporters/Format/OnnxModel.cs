using System.Collections.Immutable;
using Google.Protobuf;
using OnnxVae.Format.Schema;

namespace OnnxVae.Format;

/// <summary>An input or output of a model: name, element type, shape.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape; the first dimension may be symbolic.</param>
public sealed record ModelTensor(string Name, ElementType Type, Shape Shape)
{
    /// <summary>Whether it is a sequence of such tensors, of any shapes.</summary>
    public bool IsSequence { get; init; }
}

/// <summary>An ONNX model: operator set 18 of the standard domain, IR version 8.</summary>
/// <remarks>These versions are the newest for which every execution provider of ONNX Runtime still has its kernels.</remarks>
public sealed class OnnxModel
{
    /// <summary>The operator set that models are written in.</summary>
    public const int OperatorSet = 18;

    /// <summary>The file format version that models are written in.</summary>
    public const int IrVersion = 8;

    internal OnnxModel(ModelProto proto) => Proto = proto;

    internal ModelProto Proto { get; }

    /// <summary>The graph inputs that are not initializers.</summary>
    public IReadOnlyList<ModelTensor> Inputs
    {
        get
        {
            var stored = Proto.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet();
            return [.. Proto.Graph.Input.Where(input => !stored.Contains(input.Name)).Select(Describe)];
        }
    }

    /// <summary>The graph outputs.</summary>
    public IReadOnlyList<ModelTensor> Outputs => [.. Proto.Graph.Output.Select(Describe)];

    /// <summary>The tensors stored in the file, also in branches: constants and baked weights.</summary>
    public IReadOnlyList<ModelTensor> Initializers => [.. ExternalTensors.GraphsOf(Proto.Graph).SelectMany(graph => graph.Initializer).Select(tensor =>
        new ModelTensor(tensor.Name, (ElementType)tensor.DataType, [.. tensor.Dims]))];

    /// <summary>How often each operator occurs, also in branches, by name; operators of other domains are named <c>domain.Type</c>.</summary>
    public ImmutableSortedDictionary<string, int> OperatorCounts => ExternalTensors.GraphsOf(Proto.Graph).SelectMany(graph => graph.Node)
        .GroupBy(node => string.IsNullOrEmpty(node.Domain) ? node.OpType : $"{node.Domain}.{node.OpType}")
        .ToImmutableSortedDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);

    /// <summary>The versions of the operator sets, by domain; the standard domain is <c>ai.onnx</c>.</summary>
    public ImmutableSortedDictionary<string, long> OperatorSets => Proto.OpsetImport
        .ToImmutableSortedDictionary(set => string.IsNullOrEmpty(set.Domain) ? "ai.onnx" : set.Domain, set => set.Version, StringComparer.Ordinal);

    /// <summary>The metadata entries.</summary>
    public ImmutableSortedDictionary<string, string> Metadata => Proto.MetadataProps
        .ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal);

    /// <summary>Reads a model file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or the file with its external data is missing or damaged.</exception>
    public static OnnxModel Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.");
        }

        try
        {
            using var stream = RegularFile.Open(path);
            var proto = ModelProto.Parser.ParseFrom(stream);
            if (proto.Graph is { Node.Count: > 0 })
            {
                ExternalTensors.Resolve(proto, path);
                return new OnnxModel(proto);
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // Reported below together with files that parse by accident.
        }

        throw new InvalidDataException($"'{path}' is not an ONNX model, or is truncated.");
    }

    /// <summary>Writes the file; an existing one is replaced as a whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="externalData">
    /// Whether large tensors go to a second file, <c>NAME.HASH.data</c> next to the first. Above 2 GiB, which no ONNX file can
    /// hold, they always do.
    /// </param>
    public void Save(string path, bool externalData = false)
    {
        if (externalData || ExternalTensors.AreNeeded(Proto))
        {
            ExternalTensors.Save(Proto, path);
        }
        else
        {
            AtomicFile.Write(path, stream => Proto.WriteTo(stream));
            ExternalTensors.DeleteFormer(path);
        }
    }

    /// <summary>The bytes of the file.</summary>
    public byte[] ToBytes() => Proto.ToByteArray();

    /// <summary>Turns graph inputs into stored tensors: a graph without weights becomes self-contained.</summary>
    /// <param name="weights">Tensors by name; those that are not inputs of this model are ignored.</param>
    /// <exception cref="InvalidDataException">A tensor differs from its input in type or shape.</exception>
    public OnnxModel Bake(IReadOnlyDictionary<string, Tensor> weights)
    {
        var proto = Proto.Clone();
        foreach (var input in Inputs.Where(input => weights.ContainsKey(input.Name)))
        {
            var weight = weights[input.Name];
            if (weight.Type != input.Type || weight.Shape != input.Shape)
            {
                throw new InvalidDataException(
                    $"Weight '{input.Name}' is {weight.Type} {weight.Shape}, but the graph expects {input.Type} {input.Shape}: it belongs to another model.");
            }

            proto.Graph.Input.Remove(proto.Graph.Input.Single(candidate => candidate.Name == input.Name));
            proto.Graph.Initializer.Add(ToProto(input.Name, weight));
        }

        return new OnnxModel(proto);
    }

    /// <summary>The model with metadata entries added; those with the same key are replaced.</summary>
    public OnnxModel WithMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        var proto = Proto.Clone();
        var entries = Metadata.SetItems(metadata).Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value });
        proto.MetadataProps.Clear();
        proto.MetadataProps.Add(entries);
        return new OnnxModel(proto);
    }

    /// <summary>
    /// Two models of the same inputs and outputs as one, an <c>If</c>: which of them runs depends on the size of a batch, the first dimension of the first input. Each
    /// keeps its weights, since runtimes arrange constants only in the graph that they stand in.
    /// </summary>
    /// <param name="few">For small batches.</param>
    /// <param name="many">For all others; the result has its metadata.</param>
    /// <param name="fewest">The smallest batch that <paramref name="many"/> runs on.</param>
    internal static OnnxModel ByBatch(OnnxModel few, OnnxModel many, int fewest)
    {
        var proto = many.Proto.Clone();
        var graph = new GraphProto { Name = proto.Graph.Name, Input = { proto.Graph.Input }, Output = { proto.Graph.Output } };
        graph.Initializer.Add(ToProto(Scoped("fewest"), Tensor.From<long>([1], fewest)));
        graph.Node.Add(new NodeProto { Name = Scoped("Shape"), OpType = "Shape", Input = { proto.Graph.Input[0].Name }, Output = { Scoped("size") }, Attribute = { Integer("start", 0), Integer("end", 1) } });
        graph.Node.Add(new NodeProto { Name = Scoped("Less"), OpType = "Less", Input = { Scoped("size"), Scoped("fewest") }, Output = { Scoped("isSmall") } });
        graph.Node.Add(new NodeProto
        {
            Name = Scoped("If"),
            OpType = "If",
            Input = { Scoped("isSmall") },
            Output = { graph.Output.Select(output => output.Name) },
            Attribute = { Branch("then_branch", few.Proto.Graph), Branch("else_branch", many.Proto.Graph) },
        });
        proto.Graph = graph;
        return new OnnxModel(proto);

        static string Scoped(string name) => $"batch.{name}";

        static AttributeProto Integer(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

        static AttributeProto Branch(string name, GraphProto graph)
        {
            var branch = graph.Clone();
            branch.Input.Clear(); // they are those of the graph around it
            foreach (var output in branch.Output)
            {
                // Results in a branch and around it need different names.
                string inner = $"{output.Name}.{name}";
                foreach (var node in branch.Node)
                {
                    Rename(node.Input, output.Name, inner);
                    Rename(node.Output, output.Name, inner);
                }

                output.Name = inner;
            }

            return new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = branch };
        }

        static void Rename(IList<string> names, string from, string to)
        {
            for (int i = 0; i < names.Count; i++)
            {
                names[i] = names[i] == from ? to : names[i];
            }
        }
    }

    /// <summary>Whether two models compute the same by the same operators; their metadata may differ.</summary>
    internal bool HasGraphOf(OnnxModel other) => Proto.Graph.Equals(other.Proto.Graph);

    internal static TensorProto ToProto(string name, Tensor tensor) => new()
    {
        Name = name,
        DataType = (int)tensor.Type,
        Dims = { tensor.Shape },
        RawData = UnsafeByteOperations.UnsafeWrap(tensor.Data),
    };

    internal static ModelTensor Describe(ValueInfoProto info)
    {
        var element = info.Type?.SequenceType?.ElemType;
        var type = (element ?? info.Type)?.TensorType ?? throw new InvalidDataException($"'{info.Name}' is neither a tensor nor a sequence of tensors.");
        return new ModelTensor(info.Name, (ElementType)type.ElemType, [.. type.Shape?.Dim.Select(d => d.HasDimValue ? d.DimValue : Shape.Batch) ?? []]) { IsSequence = element is not null };
    }
}
