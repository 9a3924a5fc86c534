namespace OnnxVae.Inference;

/// <summary>
/// What latents are drawn from: N(0, I), or files that turn noise into draws (a learned prior, a mixture that was fitted to the codes of
/// images, a prior of codes). The latents of image k depend on the seed and on k alone. Safe to use from several threads.
/// </summary>
public abstract class LatentPrior : IDisposable
{
    private const uint NormalStream = 0x6765;
    private const uint UniformStream = 0x7565;

    private protected LatentPrior(int latentSize, string? weights = null) => (LatentSize, Weights) = (latentSize, weights);

    /// <summary>L, the number of latents.</summary>
    public int LatentSize { get; }

    /// <summary>The weights of the model whose latents it draws, as in <see cref="ModelMetadata.Weights"/>; null where it fits to any.</summary>
    public string? Weights { get; }

    /// <summary>P(z) = N(0, I).</summary>
    /// <param name="latentSize">L.</param>
    public static LatentPrior StandardNormal(int latentSize) => new StandardNormalLatents(latentSize);

    /// <summary>Loads <c>prior.onnx</c> or <c>mixture.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to run; the device is always the processor.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no ONNX model, or no prior.</exception>
    public static LatentPrior Load(string path, VaeOptions? options = null) => new LearnedLatents(VaeSession.Load(path, ModelMetadata.Prior, OnProcessor(options)));

    /// <summary>Loads a prior from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static LatentPrior Load(byte[] model, VaeOptions? options = null) => new LearnedLatents(VaeSession.Load(model, ModelMetadata.Prior, OnProcessor(options)));

    /// <summary>Draws latents.</summary>
    /// <param name="seed">Chooses them.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="latents">Receives Float32 [N, L].</param>
    public abstract void Draw(ulong seed, long first, Span<float> latents);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the use of the files.</summary>
    private protected virtual void Dispose(bool disposing)
    {
    }

    private static VaeOptions OnProcessor(VaeOptions? options) => (options ?? new VaeOptions()) with { Device = OnnxDevice.Cpu };

    private delegate void FillRow(Span<float> row, ulong position);

    private static void FillRows(Span<float> values, int width, long first, FillRow fill)
    {
        for (int row = 0; row < values.Length / width; row++)
        {
            fill(values.Slice(row * width, width), (ulong)(first + row));
        }
    }

    private sealed class StandardNormalLatents(int latentSize) : LatentPrior(latentSize)
    {
        public override void Draw(ulong seed, long first, Span<float> latents) =>
            FillRows(latents, LatentSize, first, (row, position) => Philox.FillStandardNormal(row, seed, NormalStream, position));
    }

    private sealed class LearnedLatents(VaeSession session) : LatentPrior(session.Metadata.LatentSize, session.Metadata.Weights)
    {
        public override void Draw(ulong seed, long first, Span<float> latents)
        {
            int rows = latents.Length / LatentSize;
            var noise = session.InputWidths.ToDictionary(input => input.Name, input =>
            {
                var values = new float[rows * input.Width];
                FillRows(values, input.Width, first, input.Name == "eps"
                    ? (row, position) => Philox.FillStandardNormal(row, seed, NormalStream, position)
                    : (row, position) => Philox.FillUniform(row, seed, UniformStream, position));
                return values;
            });
            session.Run(noise, rows, "z", latents);
        }

        private protected override void Dispose(bool disposing)
        {
            session.Dispose();
            base.Dispose(disposing);
        }
    }
}
