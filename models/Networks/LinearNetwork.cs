using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Parameter = TorchSharp.Modules.Parameter;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Networks;

/// <summary>
/// The linear VAE: Q(z|y) = N(V y + b, diag D) with one D for all examples, and the values' mean W z + mu. With Gaussian values of one
/// learned sigma its best ELBO is the likelihood of probabilistic PCA, where D and the posterior's covariance are equal.
/// </summary>
/// <remarks>Lucas, Tucker, Grosse and Norouzi 2019, arXiv 1911.02469, equations 6 and 7.</remarks>
public sealed record LinearNetwork : VaeNetwork
{
    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override PixelMean PixelMean => PixelMean.Identity;

    /// <inheritdoc/>
    public override Module<Tensor, Tensor> Encoder(ExampleShape shape, int latents, int parameters)
    {
        var mean = Linear(shape.Dimensions, latents);
        return Sequential(Flatten(), parameters == 1 ? mean : new ConstantVariance(mean, latents));
    }

    /// <inheritdoc/>
    public override Module<Tensor, Tensor> Decoder(ExampleShape shape, int latents) =>
        Sequential(Linear(latents, shape.Dimensions), SpatialLayers.ToShape(shape));

    // Appends to means, [N, L], the same log-variances for every image: [N, 2 L].
    private sealed class ConstantVariance : Module<Tensor, Tensor>, ILowerable
    {
        private readonly Module<Tensor, Tensor> mean;
        private readonly Parameter logVar;

        public ConstantVariance(Module<Tensor, Tensor> mean, int latents)
            : base(nameof(ConstantVariance))
        {
            (this.mean, logVar) = (mean, new Parameter(zeros(1, latents)));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            var m = mean.call(input);
            return cat([m, logVar.expand_as(m)], 1);
        }

        public Value Lower(ModuleLowering lowering, Value x)
        {
            var m = lowering.Lower(mean, x);
            return Ops.Concat(1, m, (0f * m) + lowering.Parameter(logVar));
        }
    }
}
