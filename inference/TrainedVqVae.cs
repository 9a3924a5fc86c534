using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>The exported parts of a VQ-VAE: encoder, decoder and the class-conditional prior, if one was trained. Safe to use from several threads.</summary>
/// <example><code>
/// using var vae = TrainedVqVae.Load("runs/digits/export");
/// float[] sevens = vae.Generate(count: 16, seed: 1, new CodeSampling(Class: "7", Temperature: 0.9));
/// </code></example>
public sealed class TrainedVqVae : IDisposable
{
    private readonly TrainedVae vae;

    private TrainedVqVae(TrainedVae vae) => this.vae = vae;

    /// <summary>The grids of codes, the top level first.</summary>
    public IReadOnlyList<CodeGrid> Grids => vae.Decoder.Metadata.CodeGrids;

    /// <summary>The decoder's metadata.</summary>
    public ModelMetadata Metadata => vae.Decoder.Metadata;

    /// <summary>The names of the classes that images can be generated for; none without a prior.</summary>
    public IReadOnlyList<string> Classes => (vae.Prior as TrainedCodePrior)?.Classes ?? [];

    /// <summary>Loads <c>encoder.onnx</c>, <c>decoder.onnx</c> and the files of the prior, if present.</summary>
    /// <param name="folder">Their folder.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is not an ONNX model or is of another kind, the files belong to different models, or their latents are not codes.
    /// </exception>
    public static TrainedVqVae Load(string folder, VaeOptions? options = null)
    {
        var vae = TrainedVae.Load(folder, options);
        if (vae.Decoder.Metadata.HasCodes)
        {
            return new TrainedVqVae(vae);
        }

        vae.Dispose();
        throw new InvalidDataException($"The latents of the model in '{folder}' are continuous, not codes: load it as a {nameof(TrainedVae)}.");
    }

    /// <summary>Encodes images to codes.</summary>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
    /// <returns>The codes of each level, the top level first, [N, rows, columns].</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside [0, 1].</exception>
    public IReadOnlyList<int[]> Encode(ReadOnlySpan<float> images)
    {
        float[] codes = vae.Encoder.Encode(images).Mean;
        int latents = Metadata.LatentSize, first = 0;
        var levels = new List<int[]>();
        foreach (var grid in Grids)
        {
            int start = first;
            levels.Add([.. codes.Chunk(latents).SelectMany(row => row.Skip(start).Take(grid.Positions)).Select(code => (int)code)]);
            first += grid.Positions;
        }

        return levels;
    }

    /// <summary>Decodes codes to images.</summary>
    /// <param name="codes">The codes of each level, the top level first, [N, rows, columns].</param>
    /// <returns>Float32 [N, C, H, W], values in [0, 1].</returns>
    /// <exception cref="ArgumentException">The number of levels or of codes is wrong, or a code is out of range.</exception>
    public float[] Decode(params IReadOnlyList<int[]> codes)
    {
        if (codes.Count != Grids.Count)
        {
            throw new ArgumentException($"There are codes of {codes.Count} levels; the model has {Grids.Count}.", nameof(codes));
        }

        int count = Arguments.RequireRows(codes[0].Length, Grids[0].Positions, "the codes of level 0", $"grids of {Grids[0].Rows} x {Grids[0].Columns}"), first = 0;
        var latents = new float[count * Metadata.LatentSize];
        for (int level = 0; level < Grids.Count; level++)
        {
            var grid = Grids[level];
            Arguments.RequireRoom(codes[level].Length, count, grid.Positions, $"the codes of level {level}");
            for (int i = 0; i < codes[level].Length; i++)
            {
                latents[(i / grid.Positions * Metadata.LatentSize) + first + (i % grid.Positions)] = codes[level][i] >= 0 && codes[level][i] < grid.Codes ? codes[level][i] : throw new ArgumentException(
                    $"Code {i} of level {level} is {codes[level][i]}; codes go from 0 to {grid.Codes - 1}.", nameof(codes));
            }

            first += grid.Positions;
        }

        return vae.Decoder.Decode(latents);
    }

    /// <summary>Generates images. Image k depends on the seed and on k alone.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="sampling">The class, and how codes are drawn.</param>
    /// <param name="first">The number of the first image.</param>
    /// <returns>Float32 [N, C, H, W], values in [0, 1].</returns>
    /// <exception cref="InvalidOperationException">There is no prior next to the decoder.</exception>
    /// <exception cref="ArgumentException">There is no such class, or a number is out of range.</exception>
    public float[] Generate(int count, ulong seed, CodeSampling? sampling = null, long first = 0)
    {
        var prior = vae.Prior as TrainedCodePrior ?? throw new InvalidOperationException("There is no prior next to the decoder: train one for each level of codes.");
        return vae.Decoder.Generate(count, seed, first, prior.With(sampling ?? new CodeSampling()));
    }

    /// <inheritdoc/>
    public void Dispose() => vae.Dispose();
}
