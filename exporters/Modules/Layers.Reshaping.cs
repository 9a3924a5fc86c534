using OnnxVae.Exporters.Onnx;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Onnx.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, Func<ModuleLowering, Module, Value, Value>>[] Reshapings =>
    [
        Row<Identity>((_, x) => x),
        Row<Flatten>((layer, x) => Reshape(x, Flattened(x.Shape, x.Shape.Axis((int)layer.start_dim), x.Shape.Axis((int)layer.end_dim)))),
        Row<Unflatten>((layer, x) => Reshape(x, Unflattened(x.Shape, x.Shape.Axis((int)layer.dim), layer.unflattened_size))),
    ];

    private static Shape Flattened(Shape shape, int first, int last) =>
        [.. shape.Take(first), shape.Skip(first).Take(last - first + 1).Aggregate((product, d) => product * d), .. shape.Skip(last + 1)];

    private static Shape Unflattened(Shape shape, int axis, long[] sizes) => [.. shape.Take(axis), .. sizes, .. shape.Skip(axis + 1)];
}
