using OnnxVae.Exporters.Graph;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Activations =>
    [
        Row<ReLU>((_, x) => Relu(x)),
        Row<ReLU6>((_, x) => HardTanh(x, 0f, 6f)),
        Row<LeakyReLU>((layer, x) => LeakyRelu(x, (float)layer.negative_slope)),
        Row<PReLU>((lowering, layer, x) => Where(Greater(x, 0f), x, PerChannel(lowering.Parameter(layer.weight), x) * x)),
        Row<RReLU>((lowering, layer, x) => Where(Greater(x, 0f), x, RandomSlope(lowering, layer, x) * x)),
        Row<ELU>((layer, x) => Elu(x, (float)layer.alpha)),
        Row<CELU>((layer, x) => (float)layer.alpha * Elu(x / (float)layer.alpha, 1f)),
        Row<SELU>((_, x) => SeluScale * Elu(x, SeluAlpha)),
        Row<SiLU>((_, x) => Silu(x)),
        Row<Mish>((_, x) => x * Tanh(Softplus(x))),
        Row<GELU>((layer, x) => Gelu(x, byTanh: layer.approximate != GELU.Approximate.none)),
        Row<GLU>((layer, x) => Gated(Split2(x, (int)layer.dim))),
        Row<Sigmoid>((_, x) => Sigmoid(x)),
        Row<LogSigmoid>((_, x) => -Softplus(-x)),
        Row<Tanh>((_, x) => Tanh(x)),
        Row<Tanhshrink>((_, x) => x - Tanh(x)),
        Row<Softplus>(BoundedSoftplus),
        Row<Softsign>((_, x) => x / (1f + Abs(x))),
        Row<Softshrink>((layer, x) => x - Clip(x, -(float)layer.lambda, (float)layer.lambda)),
        Row<Hardshrink>((layer, x) => Where(Greater(Abs(x), (float)layer.lambda), x, 0f)),
        Row<Hardsigmoid>((_, x) => HardSigmoid(x, 1 / 6f, 0.5f)),
        Row<Hardswish>((_, x) => x * HardSigmoid(x, 1 / 6f, 0.5f)),
        Row<Hardtanh>(Hardtanh),
        Row<Threshold>((layer, x) => Where(Greater(x, (float)layer.threshold), x, (float)layer.value)),
        Row<Softmax>((layer, x) => Softmax(x, (int)layer.dim)),
        Row<Softmin>((layer, x) => Softmax(-x, (int)layer.dim)),
        Row<Softmax2d>((_, x) => Softmax(x, -3)),
        Row<LogSoftmax>((layer, x) => LogSoftmax(x, (int)layer.dim)),
    ];

    // Klambauer et al. 2017, arXiv 1706.02515, equation 14.
    private const float SeluScale = 1.0507009873554805f;
    private const float SeluAlpha = 1.6732632423543772f;

    // From here on ln(1 + e^x) is x in 32 bits.
    private const double SoftplusThreshold = 17;

    private static Value Hardtanh(Hardtanh layer, Value x) => layer.inplace
        ? HardTanh(x, (float)layer.min_val, (float)layer.max_val)
        : throw new NotSupportedException("in TorchSharp 0.107 it returns its input unchanged unless it works in place: create it with inplace: true, or use ReLU6.");

    // Beyond the threshold libtorch returns x itself, which matters only for low thresholds.
    private static Value BoundedSoftplus(Softplus layer, Value x)
    {
        var scaled = (float)layer.beta * x;
        var y = Softplus(scaled) * (float)(1 / layer.beta);
        return layer.threshold >= SoftplusThreshold ? y : Where(Greater(scaled, (float)layer.threshold), x, y);
    }

    private static Value Gated((Value Content, Value Gate) halves) => halves.Content * Sigmoid(halves.Gate);

    // Xu et al. 2015, arXiv 1505.00853: a slope per entry in training, their mean in evaluation.
    private static Value RandomSlope(ModuleLowering lowering, RReLU layer, Value x)
    {
        var (lower, upper) = ((float)layer.lower, (float)layer.upper);
        return lowering.IsTraining(layer) ? lower + ((upper - lower) * lowering.Uniform(layer, x.Shape)) : 0.5f * (lower + upper);
    }
}
