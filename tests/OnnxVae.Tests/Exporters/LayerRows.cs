using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using TorchTensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Exporters;

/// <summary>One layer with settings that change the code path, and the shapes it is tried on.</summary>
public sealed record LayerRow(string Name, Func<Module> Build, params Shape[] Inputs)
{
    /// <summary>Classes, where the last input is Int64; 0 where all are Float32.</summary>
    public int Classes { get; init; }

    /// <summary>Whether the first class stands for -100, which losses pass over.</summary>
    public bool IgnoresFirstClass { get; init; }

    /// <summary>Maps standard-normal numbers to what the layer is meant for.</summary>
    public Func<float, float> Domain { get; init; } = x => x;

    /// <summary>Whether the last input takes no gradient in TorchSharp.</summary>
    public bool HasFixedTarget { get; init; }

    /// <summary>Whether the data lie on kinks, where differences along a line do not tell what libtorch takes for the derivative.</summary>
    public bool IsOnKink { get; init; }

    public IReadOnlyList<string> UpdatedBuffers { get; init; } = [];

    /// <summary>Calls the layer; by default with as many tensors as it takes.</summary>
    public Func<Module, TorchTensor[], TorchTensor> Call { get; init; } = (layer, x) => layer switch
    {
        Module<TorchTensor, TorchTensor> unary => unary.call(x[0]),
        Module<TorchTensor, TorchTensor, TorchTensor> binary => binary.call(x[0], x[1]),
        _ => throw new NotSupportedException(layer.GetType().Name),
    };

    internal IReadOnlyList<ModelTensor> ModelInputs => [.. Inputs.Select((shape, i) =>
        new ModelTensor($"x{i}", IsInteger(i) ? ElementType.Int64 : ElementType.Float32, shape))];

    internal IReadOnlyList<Array> Data => [.. Inputs.Select((shape, i) =>
    {
        var numbers = Numbers.StandardNormal(shape.ElementCount, (ulong)(5 + i));
        return IsInteger(i) ? (Array)numbers.Select(x => Class((long)(MathF.Abs(x) * 1000) % Classes)).ToArray() : numbers.Select(Domain).ToArray();
    })];

    /// <summary>The layer with parameters of its own, also those that TorchSharp leaves uninitialised.</summary>
    internal Module Make()
    {
        random.manual_seed(3);
        var layer = Build();
        using var noGradient = no_grad();
        foreach (var parameter in layer.parameters())
        {
            parameter.uniform_(-0.5, 0.5);
        }

        foreach (var (name, buffer) in layer.named_buffers().Where(pair => pair.buffer.dtype == float32))
        {
            buffer.uniform_(0.5, 1.5);
        }

        return layer;
    }

    internal TorchTensor[] Tensors() => [.. Inputs.Zip(Data).Select((input, i) => input.Second is long[] integers
        ? tensor(integers).reshape(input.First.ToArray())
        : ((float[])input.Second).ToTorch(input.First).requires_grad_(!(HasFixedTarget && i == Inputs.Length - 1)))];

    public override string ToString() => $"{Name} {string.Join(" ", Inputs)}";

    private long Class(long number) => IgnoresFirstClass && number == 0 ? -100 : number;

    private bool IsInteger(int input) => Classes > 0 && input == Inputs.Length - 1;
}

/// <summary>The rows: one per layer and per setting that changes the code path.</summary>
internal static class LayerRows
{
    private static readonly string[] BatchNormBuffers = ["running_mean", "running_var", "num_batches_tracked"];
    private static readonly float[] ClassWeights = [0.5f, 2f, 1f, 0.3f];

    public static IEnumerable<LayerRow> All =>
    [
        .. Dense, .. Convolutions, .. Poolings, .. Normalizations, .. Activations, .. Reshapings, .. Sequences, .. Losses, .. Composed,
    ];

    private static LayerRow[] Dense =>
    [
        new("Linear", () => Linear(5, 3), [4, 5]),
        new("Linear without bias", () => Linear(5, 3, hasBias: false), [4, 5]),
        new("Linear on sequences", () => Linear(5, 3), [2, 4, 5]),
        new("Embedding with padding", () => Embedding(7, 3, padding_idx: 2), [4, 5]) { Classes = 7 },
        new("Bilinear", () => Bilinear(5, 4, 3), [6, 5], [6, 4]),
        new("Bilinear without bias", () => Bilinear(5, 4, 3, hasBias: false), [6, 5], [6, 4]),
        new("Embedding", () => Embedding(7, 3), [4, 5]) { Classes = 7 },
        new("CosineSimilarity", () => CosineSimilarity(1), [4, 5], [4, 5]),
        new("PairwiseDistance", () => PairwiseDistance(), [4, 5], [4, 5]),
        new("CosineSimilarity with a zero", () => CosineSimilarity(1), [1, 5], [1, 5]) { Domain = _ => 0, IsOnKink = true },
        new("PairwiseDistance by the largest", () => PairwiseDistance(double.PositiveInfinity), [4, 5], [4, 5]),
        new("PairwiseDistance by the sum", () => PairwiseDistance(1), [4, 5], [4, 5]),
        new("PairwiseDistance of another norm", () => PairwiseDistance(3, keepdim: true), [4, 5], [4, 5]),
    ];

    private static LayerRow[] Convolutions =>
    [
        new("Conv1d", () => Conv1d(3, 5, 3, padding: 1), [2, 3, 7]),
        new("Conv1d strided", () => Conv1d(8, 5, 4, stride: 2), [2, 8, 9]),
        new("Conv2d 3x3", () => Conv2d(3, 5, 3, padding: 1), [2, 3, 6, 7]),
        new("Conv2d 3x3, many channels", () => Conv2d(9, 5, 3, padding: 1), [2, 9, 6, 7]),
        new("Conv2d 3x3 to few channels", () => Conv2d(12, 2, 3, padding: 1), [2, 12, 6, 7]),
        new("Conv2d 4x3 to few channels", () => Conv2d(12, 2, (4, 3), padding: (0, 2)), [2, 12, 6, 7]),
        new("Conv2d 3x3 on a larger image", () => Conv2d(9, 5, 3, padding: 1), [2, 9, 12, 11]),
        new("Conv2d 4x3 in groups on a larger image", () => Conv2d(18, 4, (4, 3), padding: (3, 0), groups: 2), [2, 18, 12, 11]),
        new("Conv2d 4x4 stride 2", () => Conv2d(8, 4, 4, stride: 2, padding: 1), [2, 8, 8, 8]),
        new("Conv2d 4x4 stride 2, odd image", () => Conv2d(8, 4, 4, stride: 2, padding: 1), [2, 8, 9, 7]),
        new("Conv2d dilated", () => Conv2d(8, 4, 3, dilation: 2, padding: 2), [2, 8, 9, 7]),
        new("Conv2d strided and dilated", () => Conv2d(8, 4, 3, stride: 2, dilation: 2, padding: 2), [2, 8, 10, 9]),
        new("Conv2d in groups", () => Conv2d(16, 6, 3, padding: 1, groups: 2), [2, 16, 5, 6]),
        new("Conv2d depthwise", () => Conv2d(4, 4, 3, padding: 1, groups: 4), [2, 4, 5, 6]),
        new("Conv2d without bias", () => Conv2d(2, 3, 1, bias: false), [2, 2, 3, 3]),
        new("Conv2d oblong", () => Conv2d(2, 3, (3, 2), stride: (2, 1), padding: (1, 0), dilation: (1, 2)), [2, 2, 7, 6]),
        new("Conv2d padding same", () => Conv2d(2, 3, 4, padding: Padding.Same), [2, 2, 7, 6]),
        new("Conv2d padding valid", () => Conv2d(2, 3, 3, padding: Padding.Valid), [2, 2, 7, 6]),
        new("Conv2d reflecting", () => Conv2d(2, 3, 3, padding: 2, padding_mode: PaddingModes.Reflect), [2, 2, 7, 6]),
        new("Conv2d replicating", () => Conv2d(2, 3, 3, padding: 2, padding_mode: PaddingModes.Replicate), [2, 2, 7, 6]),
        new("Conv2d circular", () => Conv2d(2, 3, 3, padding: 2, padding_mode: PaddingModes.Circular), [2, 2, 7, 6]),
        new("Conv3d", () => Conv3d(2, 3, 3, padding: 1), [2, 2, 4, 5, 3]),
        new("Conv3d strided", () => Conv3d(8, 3, 2, stride: 2), [2, 8, 4, 5, 3]),
        new("ConvTranspose1d", () => ConvTranspose1d(4, 3, 4, stride: 2, padding: 1), [2, 4, 5]),
        new("ConvTranspose2d 4x4 stride 2", () => ConvTranspose2d(6, 4, 4, stride: 2, padding: 1), [2, 6, 4, 5]),
        new("ConvTranspose2d with output padding", () => ConvTranspose2d(6, 9, (4, 4), stride: (2, 2), padding: (1, 1), output_padding: (1, 0)), [2, 6, 4, 5]),
        new("ConvTranspose2d with output padding of one side", () => ConvTranspose2d(6, 9, (4, 4), stride: (2, 2), padding: (1, 1), output_padding: (0, 1)), [2, 6, 4, 5]),
        new("ConvTranspose2d oblong", () => ConvTranspose2d(2, 3, (3, 2), stride: (2, 1), padding: (1, 0), dilation: (1, 2)), [2, 2, 7, 6]),
        new("ConvTranspose2d in groups", () => ConvTranspose2d(6, 4, 3, groups: 2, bias: false), [2, 6, 4, 5]),
        new("ConvTranspose3d", () => ConvTranspose3d(3, 2, 3, stride: 2, padding: 1, output_padding: 1), [2, 3, 2, 3, 2]),
        new("Unfold", () => Unfold((3, 2), padding: (1, 0), stride: (2, 1)), [2, 3, 5, 4]),
        new("Fold", () => Fold((5, 4), (3, 2), padding: (1, 0), stride: (2, 1)), [2, 12, 9]),
        new("ZeroPad2d", () => ZeroPad2d((1, 2, 0, 3)), [2, 3, 4, 5]),
        new("ConstantPad1d", () => ConstantPad1d((1, 2), 0.7), [2, 3, 4]),
        new("ConstantPad2d", () => ConstantPad2d(2, 0.7), [2, 3, 4, 5]),
        new("ConstantPad3d", () => ConstantPad3d(1, -1), [2, 2, 3, 3, 3]),
        new("ReflectionPad1d", () => ReflectionPad1d((3, 1)), [2, 3, 4]),
        new("ReflectionPad2d", () => ReflectionPad2d((1, 2, 3, 0)), [2, 3, 4, 5]),
        new("ReflectionPad3d", () => ReflectionPad3d(1), [2, 2, 3, 3, 3]),
        new("ReplicationPad1d", () => ReplicationPad1d((3, 1)), [2, 3, 4]),
        new("ReplicationPad2d", () => ReplicationPad2d((1, 2, 3, 0)), [2, 3, 4, 5]),
        new("ReplicationPad3d", () => ReplicationPad3d(1), [2, 2, 3, 3, 3]),
    ];

    private static LayerRow[] Poolings =>
    [
        new("MaxPool1d", () => MaxPool1d(3, stride: 2, padding: 1), [2, 3, 9]),
        new("MaxPool2d", () => MaxPool2d(2), [2, 3, 6, 8]),
        new("MaxPool2d overlapping", () => MaxPool2d(3, stride: 2, padding: 1), [2, 3, 7, 8]),
        new("MaxPool2d dilated", () => MaxPool2d(2, stride: 1, dilation: 2), [2, 3, 7, 8]),
        new("MaxPool2d rounding up", () => MaxPool2d(3, stride: 2, ceil_mode: true), [2, 3, 8, 7]),
        new("MaxPool3d", () => MaxPool3d(2, stride: 1), [2, 2, 3, 4, 3]),
        new("AvgPool1d", () => AvgPool1d(3, stride: 2, padding: 1), [2, 3, 9]),
        new("AvgPool2d", () => AvgPool2d(2), [2, 3, 6, 8]),
        new("AvgPool2d overlapping", () => AvgPool2d(3, stride: 2, padding: 1), [2, 3, 7, 8]),
        new("AvgPool2d without padding in the count", () => AvgPool2d(3, stride: 2, padding: 1, count_include_pad: false), [2, 3, 7, 8]),
        new("AvgPool2d rounding up", () => AvgPool2d(3, stride: 2, padding: 1, ceil_mode: true), [2, 3, 8, 6]),
        new("AvgPool2d with divisor", () => AvgPool2d(2, divisor_override: 3), [2, 3, 6, 8]),
        new("AvgPool3d", () => AvgPool3d(2, stride: 1), [2, 2, 3, 4, 3]),
        new("LPPool1d", () => LPPool1d(2, 3, stride: 2), [2, 3, 9]),
        new("LPPool1d by the sum", () => LPPool1d(1, 3, stride: 2), [2, 3, 9]),
        new("LPPool1d rounding up", () => LPPool1d(2, 3, stride: 2, ceil_mode: true), [2, 3, 8]),
        new("LPPool1d of zeros", () => LPPool1d(2, 3), [2, 3, 9]) { Domain = _ => 0, IsOnKink = true },
        new("LPPool2d", () => LPPool2d(3, 2), [2, 3, 6, 8]) { Domain = Positive },
        new("AdaptiveAvgPool1d", () => AdaptiveAvgPool1d(2), [2, 3, 6]),
        new("AdaptiveAvgPool1d of unequal windows", () => AdaptiveAvgPool1d(4), [2, 3, 6]),
        new("AdaptiveAvgPool1d of many windows", () => AdaptiveAvgPool1d(1001), [1, 1, 5000]),
        new("AdaptiveAvgPool2d to one pixel", () => AdaptiveAvgPool2d(1), [2, 3, 5, 4]),
        new("AdaptiveAvgPool2d", () => AdaptiveAvgPool2d((3, 2)), [2, 3, 6, 4]),
        new("AdaptiveAvgPool2d, unequal windows", () => AdaptiveAvgPool2d((3, 2)), [2, 3, 7, 5]),
        new("AdaptiveAvgPool3d", () => AdaptiveAvgPool3d(2), [2, 2, 4, 3, 4]),
        new("AdaptiveMaxPool1d", () => AdaptiveMaxPool1d(2), [2, 3, 6]),
        new("AdaptiveMaxPool2d", () => AdaptiveMaxPool2d([3, 2]), [2, 3, 6, 4]),
    ];

    private static LayerRow[] Normalizations =>
    [
        new("BatchNorm1d", () => BatchNorm1d(5), [4, 5]) { UpdatedBuffers = BatchNormBuffers },
        new("BatchNorm1d on sequences", () => BatchNorm1d(3), [4, 3, 5]) { UpdatedBuffers = BatchNormBuffers },
        new("BatchNorm2d", () => BatchNorm2d(3), [4, 3, 5, 2]) { UpdatedBuffers = BatchNormBuffers },
        new("BatchNorm2d without weights", () => BatchNorm2d(3, affine: false), [4, 3, 5, 2]) { UpdatedBuffers = BatchNormBuffers },
        new("BatchNorm2d without averages", () => BatchNorm2d(3, track_running_stats: false), [4, 3, 5, 2]),
        new("BatchNorm3d", () => BatchNorm3d(2, momentum: 0.3), [3, 2, 2, 3, 2]) { UpdatedBuffers = BatchNormBuffers },
        new("InstanceNorm1d", () => InstanceNorm1d(3), [2, 3, 6]),
        new("InstanceNorm2d", () => InstanceNorm2d(3, affine: true), [2, 3, 4, 5]),
        new("InstanceNorm2d with averages", () => InstanceNorm2d(3, affine: true, track_running_stats: true), [2, 3, 4, 5]) { UpdatedBuffers = ["running_mean", "running_var"] },
        new("InstanceNorm3d", () => InstanceNorm3d(2), [2, 2, 3, 2, 3]),
        new("GroupNorm", () => GroupNorm(2, 6), [2, 6, 4, 3]),
        new("GroupNorm without weights", () => GroupNorm(3, 6, affine: false), [2, 6, 5]),
        new("LayerNorm", () => LayerNorm(5), [2, 3, 5]),
        new("LayerNorm over two axes", () => LayerNorm([3, 5]), [2, 3, 5]),
        new("LayerNorm without weights", () => LayerNorm(5, elementwise_affine: false), [4, 5]),
        new("LocalResponseNorm", () => LocalResponseNorm(3, alpha: 0.5), [2, 5, 3, 3]),
        new("LocalResponseNorm, even size", () => LocalResponseNorm(4, alpha: 0.5), [2, 5, 3, 3]),
    ];

    private static LayerRow[] Activations =>
    [
        new("ReLU", () => ReLU(), [3, 4]),
        new("ReLU at 0", () => ReLU(), [3, 4]) { Domain = OnGrid, IsOnKink = true },
        new("ReLU6", () => ReLU6(), [3, 4]) { Domain = x => 4 * x },
        new("ReLU6 at its limits", () => ReLU6(), [5, 8]) { Domain = OnGrid, IsOnKink = true },
        new("Hardsigmoid at its limits", () => Hardsigmoid(), [5, 8]) { Domain = OnGrid, IsOnKink = true },
        new("Softplus at 0", () => Softplus(), [3, 4]) { Domain = OnGrid, IsOnKink = true },
        new("Softplus with a low threshold", () => Softplus(1, 1), [3, 4]),
        new("LogSigmoid at 0", () => LogSigmoid(), [3, 4]) { Domain = OnGrid, IsOnKink = true },
        new("LeakyReLU", () => LeakyReLU(0.1), [3, 4]),
        new("PReLU", () => PReLU(1), [3, 4]),
        new("PReLU per channel", () => PReLU(4), [2, 4, 3]),
        new("ELU", () => ELU(0.7), [3, 4]),
        new("CELU", () => CELU(0.7), [3, 4]),
        new("SELU", () => SELU(), [3, 4]),
        new("SiLU", () => SiLU(), [3, 4]),
        new("Mish", () => Mish(), [3, 4]),
        new("GELU", () => GELU(), [3, 4]),
        new("GELU by tanh", () => GELU(TorchSharp.Modules.GELU.Approximate.tanh), [3, 4]),
        new("GLU", () => GLU(1), [3, 4]),
        new("Sigmoid", () => Sigmoid(), [3, 4]),
        new("LogSigmoid", () => LogSigmoid(), [3, 4]),
        new("Tanh", () => Tanh(), [3, 4]),
        new("Tanhshrink", () => Tanhshrink(), [3, 4]),
        new("Softplus", () => Softplus(2), [3, 4]),
        new("Softsign", () => Softsign(), [3, 4]),
        new("Softshrink", () => Softshrink(0.4), [3, 4]),
        new("Hardshrink", () => Hardshrink(0.4), [3, 4]),
        new("Hardsigmoid", () => Hardsigmoid(), [3, 4]) { Domain = x => 3.1f * x },
        new("Hardswish", () => Hardswish(), [3, 4]) { Domain = x => 3.1f * x },
        new("Hardtanh in place", () => Hardtanh(-0.5, 0.8, inplace: true), [3, 4]) { Call = (layer, x) => ((TorchSharp.Modules.Hardtanh)layer).call(x[0].clone()) },
        new("Threshold", () => Threshold(0.3, -1), [3, 4]),
        new("Softmax", () => Softmax(1), [3, 4, 2]),
        new("Softmin", () => Softmin(-1), [3, 4]),
        new("Softmax2d", () => Softmax2d(), [2, 3, 2, 2]),
        new("LogSoftmax", () => LogSoftmax(0), [3, 4]),
    ];

    private static LayerRow[] Reshapings =>
    [
        new("Identity", () => Identity(), [3, 4]),
        new("Flatten", () => Flatten(), [2, 3, 4, 5]),
        new("Flatten inner axes", () => Flatten(1, 2), [2, 3, 4, 5]),
        new("Unflatten", () => Unflatten(1, [2, 3]), [4, 6]),
        new("Unflatten with an open size", () => Unflatten(1, [2, -1]), [4, 6]),
        new("PixelShuffle", () => PixelShuffle(2), [2, 12, 3, 4]),
        new("PixelUnshuffle", () => PixelUnshuffle(2), [2, 3, 4, 6]),
        new("ChannelShuffle", () => ChannelShuffle(3), [2, 6, 3, 2]),
        new("Upsample nearest", () => Upsample(scale_factor: [2, 2]), [2, 3, 4, 5]),
        new("Upsample nearest to size", () => Upsample(size: [7, 5]), [2, 3, 4, 3]),
        new("Upsample nearest by 1.5", () => Upsample(scale_factor: [1.5, 1.5]), [2, 3, 5, 3]),
        new("Upsample nearest, 40 to 24", () => Upsample(size: [24]), [1, 1, 40]),
        new("Upsample nearest, 14 to 78", () => Upsample(size: [78]), [1, 1, 14]),
        new("Upsample nearest by 2.4", () => Upsample(scale_factor: [2.4]), [1, 1, 36]),
        new("Upsample linear by 1.1", () => Upsample(scale_factor: [1.1], mode: UpsampleMode.Linear, align_corners: false), [1, 1, 7]),
        new("Upsample bilinear to one pixel", () => Upsample(size: [1, 1], mode: UpsampleMode.Bilinear, align_corners: false), [2, 3, 4, 5]),
        new("Upsample bicubic to one pixel", () => Upsample(size: [1, 1], mode: UpsampleMode.Bicubic, align_corners: false), [2, 3, 4, 5]),
        new("Upsample 1-D nearest", () => Upsample(scale_factor: [3]), [2, 3, 4]),
        new("Upsample linear", () => Upsample(scale_factor: [2], mode: UpsampleMode.Linear), [2, 3, 4]),
        new("Upsample bilinear", () => Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bilinear, align_corners: false), [2, 3, 4, 5]),
        new("Upsample bilinear by 1.7", () => Upsample(scale_factor: [1.7, 1.3], mode: UpsampleMode.Bilinear, align_corners: false), [2, 3, 4, 5]),
        new("Upsample bilinear, corners aligned", () => Upsample(size: [7, 9], mode: UpsampleMode.Bilinear, align_corners: true), [2, 3, 4, 5]),
        new("Upsample bicubic", () => Upsample(size: [7, 9], mode: UpsampleMode.Bicubic, align_corners: false), [2, 3, 4, 5]),
        new("Upsample trilinear", () => Upsample(scale_factor: [2, 2, 2], mode: UpsampleMode.Trilinear, align_corners: false), [1, 2, 3, 2, 3]),
    ];

    private static LayerRow[] Sequences =>
    [
        new("MultiheadAttention", () => MultiheadAttention(6, 2), [4, 3, 6], [5, 3, 6], [5, 3, 6]) { Call = Attend },
        new("MultiheadAttention without bias", () => MultiheadAttention(6, 3, bias: false), [4, 3, 6], [5, 3, 6], [5, 3, 6]) { Call = Attend },
        new("MultiheadAttention of other sizes", () => MultiheadAttention(6, 2, kdim: 4, vdim: 4), [4, 3, 6], [5, 3, 4], [5, 3, 4]) { Call = Attend },
        new("MultiheadAttention with mask", () => MultiheadAttention(6, 2), [4, 3, 6], [5, 3, 6], [5, 3, 6], [4, 5])
        {
            Call = (layer, x) => ((MultiheadAttention)layer).forward(x[0], x[1], x[2], null, true, x[3]).Item1,
        },
        new("TransformerEncoderLayer", () => TransformerEncoderLayer(6, 3, 8, dropout: 0), [4, 3, 6]),
        new("TransformerEncoderLayer with GELU", () => TransformerEncoderLayer(6, 2, 8, dropout: 0, activation: TorchSharp.torch.nn.Activations.GELU), [4, 3, 6]),
        new("TransformerEncoder", () => TransformerEncoder(TransformerEncoderLayer(4, 2, 8, dropout: 0), 2), [4, 3, 4])
        {
            Call = (layer, x) => ((TransformerEncoder)layer).call(x[0]),
        },
        new("GRU", () => GRU(4, 3), [5, 2, 4]) { Call = (layer, x) => ((GRU)layer).call(x[0], null!).Item1 },
        new("GRU, batch first, two layers, both directions", () => GRU(4, 3, numLayers: 2, batchFirst: true, bidirectional: true), [2, 5, 4])
        {
            Call = (layer, x) => ((GRU)layer).call(x[0], null!).Item1,
        },
        new("GRU from a state", () => GRU(4, 3, bias: false), [5, 2, 4], [1, 2, 3]) { Call = (layer, x) => ((GRU)layer).call(x[0], x[1]).Item1 },
        new("LSTM", () => LSTM(4, 3), [5, 2, 4]) { Call = (layer, x) => ((LSTM)layer).call(x[0], null).Item1 },
        new("LSTM, both directions, from states", () => LSTM(4, 3, bidirectional: true), [5, 2, 4], [2, 2, 3], [2, 2, 3])
        {
            Call = (layer, x) => ((LSTM)layer).call(x[0], (x[1], x[2])).Item1,
        },
        new("GRUCell", () => GRUCell(4, 3), [2, 4], [2, 3]),
        new("LSTMCell", () => LSTMCell(4, 3), [2, 4], [2, 3], [2, 3]) { Call = (layer, x) => ((LSTMCell)layer).call(x[0], (x[1], x[2])).Item1 },
    ];

    private static LayerRow[] Losses =>
    [
        new("MSELoss", () => MSELoss(), [4, 3], [4, 3]),
        new("MSELoss summed", () => MSELoss(Reduction.Sum), [4, 3], [4, 3]),
        new("MSELoss per entry", () => MSELoss(Reduction.None), [4, 3], [4, 3]),
        new("L1Loss", () => L1Loss(), [4, 3], [4, 3]),
        new("HuberLoss", () => HuberLoss(0.7), [4, 3], [4, 3]),
        new("SmoothL1Loss", () => SmoothL1Loss(beta: 0.7), [4, 3], [4, 3]),
        new("SmoothL1Loss without a parabola", () => SmoothL1Loss(beta: 0), [4, 3], [4, 3]),
        new("BCEWithLogitsLoss at 0", () => BCEWithLogitsLoss(), [4, 3], [4, 3]) { Domain = OnGrid, IsOnKink = true },
        new("BCELoss", () => BCELoss(), [4, 3], [4, 3]) { Domain = Probability },
        new("BCEWithLogitsLoss", () => BCEWithLogitsLoss(), [4, 3], [4, 3]),
        new("BCEWithLogitsLoss with weights", () => BCEWithLogitsLoss(weight: tensor([0.5f, 2f, 1f]), pos_weights: tensor([1f, 3f, 0.4f])), [4, 3], [4, 3]),
        new("SoftMarginLoss", () => SoftMarginLoss(), [4, 3], [4, 3]) { HasFixedTarget = true },
        new("KLDivLoss", () => KLDivLoss(reduction: Reduction.Sum), [4, 3], [4, 3]) { Domain = Probability },
        new("KLDivLoss of logarithms", () => KLDivLoss(log_target: true), [4, 3], [4, 3]),
        new("NLLLoss", () => NLLLoss(), [5, 4], [5]) { Classes = 4 },
        new("CrossEntropyLoss", () => CrossEntropyLoss(), [5, 4], [5]) { Classes = 4 },
        new("CrossEntropyLoss of images", () => CrossEntropyLoss(), [2, 4, 3, 3], [2, 3, 3]) { Classes = 4 },
        new("CrossEntropyLoss with weights", () => CrossEntropyLoss(tensor(ClassWeights)), [5, 4], [5]) { Classes = 4 },
        new("CrossEntropyLoss, smoothed", () => new TorchSharp.Modules.CrossEntropyLoss(label_smoothing: 0.1), [5, 4], [5]) { Classes = 4 },
        new("CrossEntropyLoss, smoothed, with targets to pass over", () => new TorchSharp.Modules.CrossEntropyLoss(label_smoothing: 0.1), [9, 4], [9])
        {
            Classes = 4, IgnoresFirstClass = true,
        },
        new("CrossEntropyLoss with targets to pass over", () => CrossEntropyLoss(), [9, 4], [9]) { Classes = 4, IgnoresFirstClass = true },
        new("CrossEntropyLoss of probabilities", () => CrossEntropyLoss(), [5, 4], [5, 4]) { Domain = Probability },
        new("PoissonNLLLoss", () => PoissonNLLLoss(), [4, 3], [4, 3]) { Domain = Positive },
        new("PoissonNLLLoss, full", () => PoissonNLLLoss(log_input: false, full: true), [4, 3], [4, 3]) { Domain = Positive },
    ];

    private static LayerRow[] Composed =>
    [
        new("nested Sequential", () => Sequential(Linear(4, 4), Sequential(Tanh(), Linear(4, 2))), [3, 4]),
        new("Residual", () => new Residual(Linear(4, 4)), [3, 4]),
        new("Residual with shortcut", () => new Residual(Linear(4, 2), Linear(4, 2)), [3, 4]),
        new("Concat", () => new Concat(1, Linear(4, 2), Sequential(Tanh(), Linear(4, 3))), [3, 4]),
        new("Split", () => new Split(1, Linear(2, 3), Identity()), [3, 4]),
        new("Conv2d, BatchNorm2d and ReLU", () => Sequential(Conv2d(2, 4, 3, bias: false), BatchNorm2d(4), ReLU()), [2, 2, 5, 5]) { UpdatedBuffers = ["1.running_mean", "1.running_var", "1.num_batches_tracked"] },
    ];

    private static TorchTensor Attend(Module layer, TorchTensor[] x) => ((MultiheadAttention)layer).forward(x[0], x[1], x[2], null, true, null).Item1;

    // Numbers on which kinks lie: 0, 3, 6, and others.
    private static float OnGrid(float x) => 3 * MathF.Round(1.5f * x);

    private static float Positive(float x) => Math.Abs(x) + 0.5f;

    private static float Probability(float x) => 0.05f + (0.9f / (1 + MathF.Exp(-x)));
}
