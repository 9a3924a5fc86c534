using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    // Noise stays as it is, and has no gradient.
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Noises =>
    [
        new("RandomNormal", node => node.Keep((ElementType.Float32, [.. node.Ints("shape")!]))),
        new("RandomUniform", node => node.Keep((ElementType.Float32, [.. node.Ints("shape")!]))),
        new("RandomNormalLike", node => node.Keep((ElementType.Float32, node.ShapeOf(0)))),
        new("RandomUniformLike", node => node.Keep((ElementType.Float32, node.ShapeOf(0)))),
        new("Bernoulli", node => node.Keep((node.HasAttribute("dtype") ? ProtoTensors.TypeOf((int)node.Int("dtype", 1)) : node[0].Type, node.ShapeOf(0)))),
    ];
}
