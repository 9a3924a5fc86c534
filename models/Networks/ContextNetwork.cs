using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using TorchSharp;
using static TorchSharp.torch.nn;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Models.Networks;

/// <summary>
/// Images to maps in which every position has seen a wide context: convolutions of stride 2 down, nearest upsampling and convolutions up, with what
/// was there on the way down beside what comes up. Images whose sides are not multiples of 8 are padded with zeros, and cropped in the end.
/// </summary>
/// <remarks>The U-Net of Ronneberger, Fischer and Brox 2015, arXiv 1505.04597, with strides instead of pooling.</remarks>
public sealed class ContextNetwork : LayerModule, ILowerable
{
    private const int Halvings = 3, Multiple = 1 << Halvings;

    private readonly LayerModule first;
    private readonly TorchSharp.Modules.ModuleList<LayerModule> down;
    private readonly TorchSharp.Modules.ModuleList<LayerModule> up;
    private readonly LayerModule grow = Upsample(scale_factor: [2, 2]);
    private readonly LayerModule head;
    private readonly int stride;

    /// <summary>Builds the layers.</summary>
    /// <param name="channels">Channels of the input.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="width">Channels at full resolution; twice as many at half of it, four times below.</param>
    /// <param name="stride">Pixels per position of the result, along each side: 1, 2 or 4.</param>
    public ContextNetwork(int channels, int outputs, int width = 16, int stride = 1)
        : base(nameof(ContextNetwork))
    {
        this.stride = stride;
        int[] widths = [width, 2 * width, 4 * width, 4 * width];
        first = Sequential(Conv2d(channels, width, 3, padding: 1), ReLU());
        down = ModuleList([.. Enumerable.Range(0, Halvings).Select(i => (LayerModule)Sequential(Conv2d(widths[i], widths[i + 1], 4, stride: 2, padding: 1), ReLU()))]);
        up = ModuleList([.. Enumerable.Range(0, Halvings).Reverse().Select(i => (LayerModule)Sequential(Conv2d(widths[i] + widths[i + 1], widths[i], 3, padding: 1), ReLU()))]);
        head = Conv2d(width, outputs, stride, stride: stride);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override torch.Tensor forward(torch.Tensor input)
    {
        var (bottom, right) = (Missing(input.shape[2]), Missing(input.shape[3]));
        var x = first.call(functional.pad(input, [0, right, 0, bottom]));
        var skips = new Stack<torch.Tensor>();
        foreach (var stage in down)
        {
            skips.Push(x);
            x = stage.call(x);
        }

        foreach (var stage in up)
        {
            x = stage.call(torch.cat([skips.Pop(), grow.call(x)], 1));
        }

        return head.call(x.narrow(2, 0, input.shape[2]).narrow(3, 0, input.shape[3]));
    }

    /// <inheritdoc/>
    public Value Lower(ModuleLowering lowering, Value x)
    {
        ArgumentNullException.ThrowIfNull(lowering);
        ArgumentNullException.ThrowIfNull(x);
        long height = x.Shape[2], width = x.Shape[3];
        var (bottom, right) = (Missing(height), Missing(width));
        bool isWhole = bottom + right == 0;
        var y = lowering.Lower(first, isWhole ? x : Ops.Pad(x, [0, 0, 0, 0], [0, 0, bottom, right]));
        var skips = new Stack<Value>();
        foreach (var stage in down)
        {
            skips.Push(y);
            y = lowering.Lower(stage, y);
        }

        foreach (var stage in up)
        {
            y = lowering.Lower(stage, Ops.Concat(1, skips.Pop(), lowering.Lower(grow, y)));
        }

        return lowering.Lower(head, isWhole ? y : Ops.Slice(Ops.Slice(y, 2, 0, height), 3, 0, width));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{nameof(ContextNetwork)}({stride})";

    private static long Missing(long side) => (Multiple - (side % Multiple)) % Multiple;
}
