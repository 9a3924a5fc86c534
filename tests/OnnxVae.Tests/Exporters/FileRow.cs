using Google.Protobuf;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Tests.Exporters;

/// <summary>A small model as other exporters write it: nodes, stored tensors, and the shapes of its inputs x0, x1, ...; its output is y.</summary>
internal sealed record FileRow(string Name, Shape[] Inputs, Shape Output, NodeProto[] Nodes, params (string Name, Tensor Tensor)[] Stored)
{
    /// <summary>Whether a gradient can be taken from y to the inputs.</summary>
    public bool IsDifferentiable { get; init; } = true;

    public ElementType OutputType { get; init; } = ElementType.Float32;

    internal OnnxModel Model()
    {
        return new OnnxModel(new ModelProto
        {
            IrVersion = OnnxModel.IrVersion,
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OnnxModel.OperatorSet } },
            Graph = new GraphProto
            {
                Name = Name,
                Node = { Nodes },
                Initializer = { Stored.Select(stored => OnnxModel.ToProto(stored.Name, stored.Tensor)) },
                Input = { Inputs.Select((shape, i) => Info($"x{i}", ElementType.Float32, shape)) },
                Output = { Info("y", OutputType, Output) },
            },
        });
    }

    public override string ToString() => Name;

    public static ValueInfoProto Info(string name, ElementType type, Shape shape) => new()
    {
        Name = name,
        Type = new TypeProto
        {
            TensorType = new TypeProto.Types.Tensor
            {
                ElemType = (int)type,
                Shape = new TensorShapeProto { Dim = { shape.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }) } },
            },
        },
    };

    public static NodeProto Node(string type, string[] inputs, string output, params AttributeProto[] attributes) => Node(type, inputs, [output], attributes);

    public static NodeProto Node(string type, string[] inputs, string[] outputs, params AttributeProto[] attributes) => new()
    {
        OpType = type,
        Name = $"{type} {outputs[0]}",
        Input = { inputs },
        Output = { outputs },
        Attribute = { attributes },
    };

    public static AttributeProto Int(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static AttributeProto Float(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    public static AttributeProto Text(string name, string value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Ints(string name, params long[] values) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };

    public static AttributeProto Number(string name, Tensor tensor) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Tensor, T = OnnxModel.ToProto("", tensor) };

    public static (string, Tensor) Floats(string name, Shape shape, params float[] values) => (name, Tensor.From<float>(shape, values));

    public static (string, Tensor) Longs(string name, Shape shape, params long[] values) => (name, Tensor.From<long>(shape, values));
}
