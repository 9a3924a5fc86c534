using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>Chooses how a convolution is computed.</summary>
internal static class ConvolutionForms
{
    private const long FewChannels = 4;
    private const long FewestChannels = 16;

    /// <summary>The form in rows of pixels that is fastest; null where the direct operators are.</summary>
    public static IConvolutionForm? Choose(ConvolutionGeometry geometry, long channels, long kernels)
    {
        if (channels <= FewChannels && FewChannelsConvolution.Fits(geometry))
        {
            return new FewChannelsConvolution(geometry);
        }

        if (kernels <= FewChannels && geometry.CanTurn && FewChannelsConvolution.Fits(geometry.Turned))
        {
            return new TurnedConvolution(new FewChannelsConvolution(geometry.Turned));
        }

        if (channels >= FewestChannels && kernels >= FewestChannels && WinogradConvolution.Fits(geometry, 4))
        {
            return new WinogradConvolution(geometry, geometry.OutputSize.Max() <= 4 ? 2 : 4);
        }

        return null;
    }
}
