using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using TorchSharp;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    // Inputs are prediction and target, as in TorchSharp.
    private static KeyValuePair<Type, LayerRule>[] Losses =>
    [
        Row<MSELoss>((loss, x, y) => Reduce(Square(x - y), loss.reduction)),
        Row<L1Loss>((loss, x, y) => Reduce(Abs(x - y), loss.reduction)),
        Row<HuberLoss>((loss, x, y) => Reduce(Huber(x - y, (float)loss.delta), loss.reduction)),
        Row<SmoothL1Loss>((loss, x, y) => Reduce(loss.beta == 0 ? Abs(x - y) : Huber(x - y, (float)loss.beta) * (float)(1 / loss.beta), loss.reduction)),
        Row<BCELoss>((loss, x, y) => Reduce(Weighted(loss.weight, BinaryCrossEntropy(x, y)), loss.reduction)),
        Row<BCEWithLogitsLoss>((loss, x, y) => Reduce(Weighted(loss.weight, BinaryCrossEntropy(loss, x, y)), loss.reduction)),
        Row<SoftMarginLoss>((loss, x, y) => Reduce(Softplus(-(x * y)), loss.reduction)),
        Row<KLDivLoss>((loss, x, y) => Reduce(loss.log_target ? Exp(y) * (y - x) : (y * Log(Where(Greater(y, 0f), y, 1f))) - (y * x), loss.reduction)),
        Row<NLLLoss>((loss, x, y) => NegativeLogLikelihood(x, IsClass(y, x), loss.weight, loss.reduction)),
        Row<CrossEntropyLoss>(CrossEntropy),
        Row<PoissonNLLLoss>((loss, x, y) => Reduce(PoissonNegativeLogLikelihood(loss, x, y), loss.reduction)),
    ];

    private static Value Reduce(Value loss, Reduction reduction) => reduction switch
    {
        Reduction.None => loss,
        Reduction.Sum => Sum(loss),
        _ => Mean(loss),
    };

    private static Value Weighted(torch.Tensor? weight, Value loss) => weight is null ? loss : Constant(weight) * loss;

    // Quadratic up to a distance of delta, where it is delta^2/2, and linear beyond.
    private static Value Huber(Value difference, float delta)
    {
        var distance = Abs(difference);
        var inside = Min(distance, delta);
        return inside * (distance - (0.5f * inside));
    }

    // As in libtorch, logarithms are at least -100, and the gradient (x - y) / (x (1 - x)) has a floor of its own for the denominator.
    private static Value BinaryCrossEntropy(Value x, Value y)
    {
        var p = StopGradient(x);
        var cost = -((y * LogAtLeast(p)) + ((1f - y) * LogAtLeast(1f - p)));
        var slope = StopGradient((p - y) / Max(p * (1f - p), 1e-12f));
        return cost + (slope * (x - p));
    }

    private static Value LogAtLeast(Value x) => Max(Log(x), -100f);

    private static Value BinaryCrossEntropy(BCEWithLogitsLoss loss, Value x, Value y) => loss.pos_weights is null
        ? Softplus(x) - (x * y)
        : ((1f - y) * x) + ((1f + ((Constant(loss.pos_weights) - 1f) * y)) * Softplus(-x));

    // Classes as indices, Int64 [N, ...], or as probabilities of x's shape; an index outside the classes is ignored.
    private static Value CrossEntropy(CrossEntropyLoss loss, Value x, Value y)
    {
        RequireBatch(x);
        long classes = x.Shape[1];
        if (loss.ignore_index is >= 0 && loss.ignore_index < classes)
        {
            throw new NotSupportedException($"ignore_index {loss.ignore_index} is one of the {classes} classes, which is not supported: use an ignore_index outside them.");
        }

        var logP = LogSoftmax(x, 1);
        if (y.Type == ElementType.Int64 && loss.label_smoothing == 0)
        {
            return NegativeLogLikelihood(logP, IsClass(y, x), loss.weight, loss.reduction);
        }

        if (loss.weight is not null)
        {
            throw new NotSupportedException("weights together with smoothed labels or probabilities are not supported: leave one out.");
        }

        float smoothing = (float)loss.label_smoothing;
        if (y.Type != ElementType.Int64)
        {
            return Reduce(-ReduceSum((((1f - smoothing) * y) + (smoothing / classes)) * logP, [1]), loss.reduction);
        }

        var isClass = IsClass(y, x);
        var isCounted = ReduceSum(Cast(isClass, ElementType.Float32), [1]);
        var smoothed = ((1f - smoothing) * OfClass(isClass, logP)) + (smoothing / classes * ReduceSum(logP, [1]));
        var losses = -Where(Greater(isCounted, 0f), smoothed, 0f);
        return loss.reduction == Reduction.Mean ? Sum(losses) / Sum(isCounted) : Reduce(losses, loss.reduction);
    }

    private static void RequireBatch(Value x)
    {
        if (x.Shape.Rank < 2)
        {
            throw new ArgumentException($"the prediction '{x}' must have at least 2 axes: batch and classes.");
        }
    }

    private static Value NegativeLogLikelihood(Value logP, Value isClass, torch.Tensor? weight, Reduction reduction)
    {
        var oneHot = Cast(isClass, ElementType.Float32);
        var share = ReduceSum(weight is null ? oneHot : oneHot * PerChannel(Constant(weight), oneHot), [1]);
        var losses = -(weight is null ? OfClass(isClass, logP) : OfClass(isClass, logP) * share);
        return reduction == Reduction.Mean ? Sum(losses) / Sum(share) : Reduce(losses, reduction);
    }

    // Selected, not multiplied by 0 and 1: another class may be impossible, with ln 0.
    private static Value OfClass(Value isClass, Value logP) => ReduceSum(Where(isClass, logP, 0f), [1]);

    // [N, ...] to Bool [N, C, ...]
    private static Value IsClass(Value classes, Value x)
    {
        RequireBatch(x);
        return Ops.IsAt(classes, (int)x.Shape[1], axis: 1);
    }

    private static Value PoissonNegativeLogLikelihood(PoissonNLLLoss loss, Value x, Value y)
    {
        var cost = loss.log_input ? Exp(x) - (y * x) : x - (y * Log(x + (float)loss.eps));
        var stirling = (y * Log(Max(y, 1f))) - y + (0.5f * Log(2 * MathF.PI * Max(y, 1f)));
        return loss.full ? cost + Where(Greater(y, 1f), stirling, 0f) : cost;
    }

    private static Value Constant(torch.Tensor tensor) => Value.Of(TorchTensors.Copy("weight", tensor));
}
