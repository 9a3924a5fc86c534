using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>A way to compute a convolution and its two gradients.</summary>
internal interface IConvolutionAlgorithm
{
    /// <summary>The order of the input gradient's pixels; null if the algorithm has none of its own.</summary>
    PixelOrder? ImageOrder => null;

    /// <summary>The order of the outputs; null if the algorithm has none of its own.</summary>
    PixelOrder? OutputOrder => null;

    /// <summary>The convolution: images [N, C, H, W] to outputs [N, K, H', W'].</summary>
    LayoutValue Convolve(LayoutValue x, Value weight);

    /// <summary>Its input gradient: dy [N, K, H', W'] to [N, C, H, W].</summary>
    LayoutValue InputGradient(LayoutValue dy, Value weight);

    /// <summary>Its weight gradient, Float32 [K, C, kernel].</summary>
    Value WeightGradient(LayoutValue x, LayoutValue dy);
}
