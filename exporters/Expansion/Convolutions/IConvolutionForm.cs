using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>A way to compute a convolution and its two gradients.</summary>
internal interface IConvolutionForm
{
    /// <summary>The order in which the pixels of the images' gradient stand; null where it has none of its own.</summary>
    RowOrder? ImageOrder { get; }

    /// <summary>The order in which the outputs stand; null where there is none of its own.</summary>
    RowOrder? OutputOrder { get; }

    /// <summary>The convolution: images [N, C, H, W] to outputs [N, K, H', W'].</summary>
    LaidOutValue Convolve(LaidOutValue x, Value weight);

    /// <summary>Its gradient to the images: dy [N, K, H', W'] to [N, C, H, W].</summary>
    LaidOutValue InputGradient(LaidOutValue dy, Value weight);

    /// <summary>Its gradient to the weight, Float32 [K, C, kernel].</summary>
    Value WeightGradient(LaidOutValue x, LaidOutValue dy);
}
