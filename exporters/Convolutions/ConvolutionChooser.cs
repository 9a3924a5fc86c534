using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>The only place that chooses how the convolutions of a graph and their gradients are computed.</summary>
internal sealed class ConvolutionChooser
{
    private const long MostChannelsOfIm2Col = 4;
    private const long FewestChannelsToFlip = 8;
    private const long FewestPixelsToFlip = 128;
    private const long FewestChannelsOfPatches = 8;
    private const long FewerKernels = 4;
    private const long LargestPatchIndex = 1L << 24;
    private const long LargestPatches = 1L << 30;
    private const long LargestPatchesOfDevices = 1L << 26; // whose memory is smaller

    private readonly Func<Node, ConvolutionShape, ConvolutionAlgorithm>? fastest;
    private readonly CompilationGoal goal;
    private readonly bool avoidsLargeKernels;

    /// <summary>Chooses by the measurements for a target, and ONNX's own operators if there are none.</summary>
    public ConvolutionChooser(CompilationTarget target)
        : this(CostTable.ChoiceFor(target), target.Goal) => avoidsLargeKernels = target is { Goal: CompilationGoal.Training, Provider: not null and not CostTable.Processor };

    /// <summary>Chooses by a rule.</summary>
    /// <param name="fastest">The fastest algorithm for a node and its shape; null to use only direct ones.</param>
    /// <param name="goal">What the graph is for.</param>
    public ConvolutionChooser(Func<Node, ConvolutionShape, ConvolutionAlgorithm>? fastest, CompilationGoal goal) => (this.fastest, this.goal) = (fastest, goal);

    /// <summary>Whether a graph benefits from a pixel-major layout.</summary>
    /// <remarks>
    /// ONNX Runtime keeps served images in a layout of its own from one direct convolution to the next, but not through transposed ones. Im2col, at the ends of
    /// a network, would interrupt it; it pays off if the convolutions in between are pixel-major too.
    /// </remarks>
    public bool GainsByPixelMajor(IReadOnlyList<Value> outputs) => fastest is not null && (goal == CompilationGoal.Training || GraphOrder.NodesOf(outputs).Any(node =>
        node.OperatorType == Primitive.ConvolutionInputGradient || TileOf(Fastest(node)) is not null));

    /// <summary>The algorithm in a pixel-major layout; null for nodes that are not convolutions, and for direct ones.</summary>
    /// <param name="node">The node.</param>
    /// <param name="orderOf">The order to give images of a size if the algorithm leaves it open.</param>
    public IConvolutionAlgorithm? InPixelMajor(Node node, Func<IReadOnlyList<long>, PixelOrder> orderOf) =>
        ConvolutionShape.Of(node) is { } shape ? Create(Fastest(node), shape, orderOf) : null;

    /// <summary>The algorithm on images.</summary>
    /// <param name="node">A convolution, or a gradient of one.</param>
    public IConvolutionAlgorithm OnImages(Node node)
    {
        var geometry = node.Attribute<ConvolutionGeometry>("geometry");
        return geometry.CoversImage ? new WholeImageConvolution() : new DirectConvolution(geometry)
        {
            FlipsKernels = node.OperatorType == Primitive.ConvolutionInputGradient && GainsByFlipping(node.Inputs[1], geometry),
            Patches = node.OperatorType == Primitive.ConvolutionWeightGradient ? PatchesOf(node.Inputs[0], node.Inputs[1], geometry) : PatchSource.None,
            MostPatches = avoidsLargeKernels ? LargestPatchesOfDevices : LargestPatches,
        };
    }

    /// <summary>Whether an algorithm can compute a convolution.</summary>
    public static bool Supports(ConvolutionAlgorithm algorithm, ConvolutionShape shape) => algorithm switch
    {
        ConvolutionAlgorithm.Im2Col => shape.Channels <= MostChannelsOfIm2Col && Im2ColConvolution.Fits(shape.Geometry),
        ConvolutionAlgorithm.FlippedIm2Col => shape.Kernels <= MostChannelsOfIm2Col && shape.Geometry.CanFlip && Im2ColConvolution.Fits(shape.Geometry.Flipped),
        _ => TileOf(algorithm) is not { } tile || WinogradConvolution.Fits(shape.Geometry, tile),
    };

    /// <summary>A pixel-major algorithm that <see cref="Supports"/> a convolution; null for the direct ones.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="shape">The convolution.</param>
    /// <param name="orderOf">The order to give images of a size if the algorithm leaves it open.</param>
    public static IConvolutionAlgorithm? Create(ConvolutionAlgorithm algorithm, ConvolutionShape shape, Func<IReadOnlyList<long>, PixelOrder> orderOf) => algorithm switch
    {
        ConvolutionAlgorithm.Im2Col => new Im2ColConvolution(shape.Geometry, orderOf(shape.Geometry.OutputSize)),
        ConvolutionAlgorithm.FlippedIm2Col => new FlippedConvolution(new Im2ColConvolution(shape.Geometry.Flipped, orderOf(shape.Geometry.ImageSize))),
        _ => TileOf(algorithm) is { } tile ? new WinogradConvolution(shape, tile) : null,
    };

    private static int? TileOf(ConvolutionAlgorithm algorithm) => algorithm switch
    {
        ConvolutionAlgorithm.Winograd2 => 2,
        ConvolutionAlgorithm.Winograd3 => 3,
        ConvolutionAlgorithm.Winograd4 => 4,
        _ => null,
    };

    private ConvolutionAlgorithm Fastest(Node node) => fastest is not null && ConvolutionShape.Of(node) is { } shape ? fastest(node, shape) : ConvolutionAlgorithm.Direct;

    // With stride 1 a convolution with flipped kernels is faster, except for small images and few channels.
    private bool GainsByFlipping(Value weight, ConvolutionGeometry geometry) =>
        goal == CompilationGoal.Training && geometry.CanFlip && weight.Shape[1] >= FewestChannelsToFlip && geometry.ImageSize.Product() >= FewestPixelsToFlip;

    // Patches cost a copy of every pixel per kernel tap and then run at the speed of a matrix product; with few channels
    // the copies are too short, and with groups the product breaks up. Still, devices do not compute a convolution with a kernel as large as the image at any
    // useful speed.
    private PatchSource PatchesOf(Value x, Value dy, ConvolutionGeometry geometry)
    {
        long channels = x.Shape[1], kernels = dy.Shape[1];
        long patches = geometry.OutputSize.Product() * geometry.KernelSize.Product();
        return avoidsLargeKernels ? patches > LargestPatchIndex || channels * patches > LargestPatchesOfDevices ? PatchSource.Taps : PatchSource.Images
            : geometry.Groups > 1 || channels < FewestChannelsOfPatches || patches > LargestPatchIndex || x.Shape[0] * channels * patches > LargestPatches ? PatchSource.None
            : geometry.CanFlip && FewerKernels * kernels <= channels ? PatchSource.Outputs
            : PatchSource.Images;
    }
}
