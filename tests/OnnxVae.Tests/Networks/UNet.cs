using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using TorchSharp;
using static TorchSharp.torch.nn;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Tests.Networks;

/// <summary>A U-Net (Ronneberger, Fischer and Brox 2015, arXiv 1505.04597) of a given depth, as a module of its own.</summary>
internal sealed class UNet : LayerModule, ILowerable
{
    private readonly TorchSharp.Modules.ModuleList<LayerModule> down;
    private readonly TorchSharp.Modules.ModuleList<LayerModule> up;
    private readonly LayerModule pool = MaxPool2d(2);
    private readonly LayerModule grow = Upsample(scale_factor: [2, 2], mode: torch.UpsampleMode.Bilinear, align_corners: false);
    private readonly LayerModule bottom;
    private readonly LayerModule head;

    public UNet(int channels, int width, int depth)
        : base(nameof(UNet))
    {
        down = ModuleList([.. Enumerable.Range(0, depth).Select(i => Stage(i == 0 ? channels : width << (i - 1), width << i))]);
        bottom = Stage(width << (depth - 1), width << depth);
        up = ModuleList([.. Enumerable.Range(0, depth).Reverse().Select(i => Stage((width << i) + (width << (i + 1)), width << i))]);
        head = Conv2d(width, channels, 1);
        RegisterComponents();
    }

    public override torch.Tensor forward(torch.Tensor x)
    {
        var skips = new Stack<torch.Tensor>();
        foreach (var stage in down)
        {
            skips.Push(stage.call(x));
            x = pool.call(skips.Peek());
        }

        x = bottom.call(x);
        foreach (var stage in up)
        {
            x = stage.call(torch.cat([skips.Pop(), grow.call(x)], 1));
        }

        return head.call(x);
    }

    public Value Lower(ModuleLowering lowering, Value x)
    {
        var skips = new Stack<Value>();
        foreach (var stage in down)
        {
            skips.Push(lowering.Lower(stage, x));
            x = lowering.Lower(pool, skips.Peek());
        }

        x = lowering.Lower(bottom, x);
        foreach (var stage in up)
        {
            x = lowering.Lower(stage, Ops.Concat(1, skips.Pop(), lowering.Lower(grow, x)));
        }

        return lowering.Lower(head, x);
    }

    private static LayerModule Stage(int input, int output) => Sequential(Conv2d(input, output, 3, padding: 1, bias: false), InstanceNorm2d(output, affine: true), SiLU());
}
