using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// The distribution that latents are drawn from: N(0, I), or files that turn noise into draws (a learned prior, a mixture fitted to the latents of
/// images, a prior of codes). The latents of image k depend on the seed and on k alone. Safe to use from several threads.
/// </summary>
public abstract class LatentPrior : IDisposable
{
    /// <summary>The file of a prior that was learned together with the model, next to its decoder.</summary>
    internal const string FileName = ExportedFiles.Prior;

    private const uint NormalStream = 0x6765;
    private const uint UniformStream = 0x7565;

    private protected LatentPrior(int latentSize, string? weights = null) => (LatentSize, Weights) = (latentSize, weights);

    /// <summary>L, the number of latents.</summary>
    public int LatentSize { get; }

    /// <summary>The weights of the model whose latents it draws, as in <see cref="ModelMetadata.Weights"/>; null if it fits any model.</summary>
    public string? Weights { get; }

    /// <summary>P(z) = N(0, I).</summary>
    /// <param name="latentSize">L.</param>
    public static LatentPrior StandardNormal(int latentSize) => new StandardNormalLatents(latentSize);

    /// <summary>Loads <c>prior.onnx</c> or <c>mixture.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How to run; the device is always the CPU.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not a prior.</exception>
    public static LatentPrior Load(string path, VaeOptions? options = null) => new LearnedLatents(VaeSession.Load(path, ExportedKinds.Prior, OnProcessor(options)));

    /// <summary>Loads a prior from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static LatentPrior Load(byte[] model, VaeOptions? options = null) => new LearnedLatents(VaeSession.Load(model, ExportedKinds.Prior, OnProcessor(options)));

    /// <summary>Opens the prior that a model was trained with.</summary>
    /// <param name="folder">The folder of the decoder's file; null for a decoder that was not loaded from one.</param>
    /// <param name="decoder">The decoder's metadata.</param>
    /// <param name="options">How to run.</param>
    /// <exception cref="InvalidOperationException">The prior's file is missing, or the decoder does not record which prior it needs.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or belongs to another model.</exception>
    internal static LatentPrior OfModel(string? folder, ModelMetadata decoder, VaeOptions? options)
    {
        string beside = folder is null ? "" : $" in '{folder}'";
        if (decoder.HasCodes)
        {
            return folder is not null && TrainedCodePrior.IsIn(folder, decoder) ? TrainedCodePrior.Load(folder, options: options) : throw new InvalidOperationException(
                $"The decoder's latents are codes, and there is no prior of them{beside}, of all levels: train one, or specify a prior.");
        }

        if (decoder.PriorName == MetadataKeys.StandardNormal)
        {
            return StandardNormal(decoder.LatentSize);
        }

        string? file = folder is null ? null : Path.Combine(folder, FileName);
        return file is not null && File.Exists(file) ? Load(file, options) : throw new InvalidOperationException(decoder.PriorName is { } name
            ? $"The model was trained with the prior '{name}', but there is no {FileName}{beside}: put it next to the decoder's file, or load it and say that it is what to draw from."
            : $"The decoder does not say which prior its model was trained with, and there is no {FileName}{beside}: export it again, or say what to draw from.");
    }

    /// <summary>Draws latents.</summary>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="latents">Receives Float32 [N, L].</param>
    /// <param name="condition">What each image is given, for P(z|x); not needed by a prior that is the same for all.</param>
    /// <exception cref="ArgumentException">The prior needs a condition, or the condition does not fit it.</exception>
    public abstract void Draw(ulong seed, long first, Span<float> latents, Condition? condition = null);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the files.</summary>
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
        public override void Draw(ulong seed, long first, Span<float> latents, Condition? condition = null) =>
            FillRows(latents, LatentSize, first, (row, position) => Philox.FillStandardNormal(row, seed, NormalStream, position));
    }

    private sealed class LearnedLatents(VaeSession session) : LatentPrior(session.Metadata.LatentSize, session.Metadata.Weights)
    {
        public override void Draw(ulong seed, long first, Span<float> latents, Condition? condition = null)
        {
            int rows = latents.Length / LatentSize;
            var inputs = session.Inputs.ToDictionary(input => input.Name, input =>
            {
                if (input.Name == ConditionKinds.Input)
                {
                    return Arguments.RowsOf(session.Metadata, condition, first, rows);
                }

                int width = input.Shape[^1];
                var values = new float[rows * width];
                FillRows(values, width, first, input.Name == "eps"
                    ? (row, position) => Philox.FillStandardNormal(row, seed, NormalStream, position)
                    : (row, position) => Philox.FillUniform(row, seed, UniformStream, position));
                return values;
            });
            var drawn = new float[latents.Length];
            session.Run(inputs, rows, ("z", drawn));
            drawn.CopyTo(latents);
        }

        private protected override void Dispose(bool disposing)
        {
            session.Dispose();
            base.Dispose(disposing);
        }
    }
}
