namespace OnnxVae.Exporters.Convolutions;

/// <summary>How a convolution and its gradients are computed, smallest rounding error first: the columns of the cost tables.</summary>
internal enum ConvolutionAlgorithm
{
    /// <summary>On images, with ONNX's own operators: <see cref="DirectConvolution"/>, <see cref="WholeImageConvolution"/>.</summary>
    Direct,

    /// <summary>Matrix products with patches, for few channels: <see cref="Im2ColConvolution"/>.</summary>
    Im2Col,

    /// <summary>The same with images and outputs exchanged, for few kernels: <see cref="FlippedConvolution"/>.</summary>
    FlippedIm2Col,

    /// <summary>Tiles of 2 x 2 outputs: <see cref="WinogradConvolution"/>.</summary>
    Winograd2,

    /// <summary>Tiles of 3 x 3 outputs: <see cref="WinogradConvolution"/>.</summary>
    Winograd3,

    /// <summary>Tiles of 4 x 4 outputs: <see cref="WinogradConvolution"/>.</summary>
    Winograd4,
}
