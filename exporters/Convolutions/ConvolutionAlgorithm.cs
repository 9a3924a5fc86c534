namespace OnnxVae.Exporters.Convolutions;

/// <summary>How a convolution and its gradients are computed, those first that round less.</summary>
internal enum ConvolutionAlgorithm
{
    /// <summary>ONNX's own operators on images.</summary>
    Direct,

    /// <summary>Products with patches: <see cref="Im2ColConvolution"/>.</summary>
    FewChannels,

    /// <summary>The same with images and outputs exchanged, for few kernels.</summary>
    FewKernels,

    /// <summary>Tiles of 2 x 2 outputs: <see cref="WinogradConvolution"/>.</summary>
    Winograd2,

    /// <summary>Tiles of 3 x 3 outputs: <see cref="WinogradConvolution"/>.</summary>
    Winograd3,

    /// <summary>Tiles of 4 x 4 outputs: <see cref="WinogradConvolution"/>.</summary>
    Winograd4,
}
