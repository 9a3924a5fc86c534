using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// A trained model as a judge of examples: the higher the score, the less likely the example, for instance to find anomalies. Safe to use from several threads.
/// </summary>
/// <remarks>The noise of example k depends on the seed and on k alone, whichever examples are scored with it.</remarks>
/// <example><code>
/// using var scorer = VaeScorer.Load("runs/digits/export/scorer.onnx");
/// float[] scores = scorer.Score(images);
/// </code></example>
public sealed class VaeScorer : IDisposable
{
    private const uint NoiseStream = 0x7363;

    private readonly VaeSession session;
    private readonly VaeScorer? original;
    private readonly Condition? condition;
    private readonly bool hasNoise;

    private VaeScorer(VaeSession session)
    {
        this.session = session;
        hasNoise = session.Inputs.Any(input => input.Name == ScoreNames.Noise);
        Kinds = [.. session.Outputs.Select(ScoreKinds.Find).OfType<ScoreKind>()];
        HasMap = session.Outputs.Contains(ScoreNames.Map);
    }

    private VaeScorer(VaeScorer original, Condition condition)
        : this(original.session) => (this.original, this.condition) = (original, condition);

    /// <summary>The file's metadata.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>The scores that the model has; the first one is the negative ELBO if the likelihood is normalized, else the distortion.</summary>
    public IReadOnlyList<ScoreKind> Kinds { get; }

    /// <summary>Whether there is a distortion for each value.</summary>
    public bool HasMap { get; }

    /// <summary>K, the samples of the latents that the file takes at a time; 1 if all would be the same.</summary>
    public int Samples => Metadata.Samples;

    /// <summary>Where outliers begin; null if the file does not say.</summary>
    public ScoreThreshold? Threshold => Metadata.Threshold;

    /// <summary>What <see cref="Score(ReadOnlySpan{float}, ulong, long)"/> computes: the score of the threshold, if there is one, else the first of <see cref="Kinds"/>.</summary>
    public ScoreKind DefaultKind => Threshold?.Kind ?? Kinds[0];

    /// <summary>The samples that are taken unless another number is given: those of the threshold, if there is one, else <see cref="Samples"/>.</summary>
    public int DefaultSamples => Threshold?.Samples ?? Samples;

    /// <summary>Loads <c>scorer.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not a scorer.</exception>
    public static VaeScorer Load(string path, VaeOptions? options = null) => new(VaeSession.Load(path, ExportedKinds.Scorer, options));

    /// <summary>Loads a scorer from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeScorer Load(byte[] model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Scorer, options));

    /// <summary>Loads a scorer from a stream, for instance an embedded resource.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeScorer Load(Stream model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Scorer, options));

    /// <summary>A conditional scorer with its condition: used like any scorer, over the same loaded file, which is disposed with the original.</summary>
    /// <param name="condition">What each example is given, from <see cref="ModelMetadata.Condition"/>; row k is that of example k.</param>
    /// <exception cref="ArgumentException">The condition does not fit the scorer, or the scorer takes none.</exception>
    public VaeScorer Given(Condition condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        Arguments.RequireCondition(Metadata, condition);
        return new VaeScorer(original ?? this, condition);
    }

    /// <summary>Whether a score, of the default kind, is that of an outlier.</summary>
    /// <param name="score">The score.</param>
    /// <exception cref="InvalidOperationException">The file has no threshold.</exception>
    public bool IsOutlier(float score) => score > (Threshold ?? throw new InvalidOperationException("The scorer does not know where outliers begin: write a threshold into its file first.")).Value;

    /// <summary>The default score of examples.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="seed">Random seed of the latents' samples.</param>
    /// <param name="first">The number of the first example.</param>
    /// <returns>Float32 [N].</returns>
    /// <exception cref="ArgumentException">The length is wrong, values are outside their range, or the scorer is conditional and has no condition.</exception>
    public float[] Score(ReadOnlySpan<float> images, ulong seed = 1, long first = 0) => ScoreAll(images, seed, first)[DefaultKind].ToArray();

    /// <summary>The default score of examples.</summary>
    /// <param name="pixels">UInt8 [N, C, H, W].</param>
    /// <param name="seed">Random seed of the latents' samples.</param>
    /// <param name="first">The number of the first example.</param>
    /// <inheritdoc cref="Score(ReadOnlySpan{float}, ulong, long)"/>
    public float[] Score(ReadOnlySpan<byte> pixels, ulong seed = 1, long first = 0)
    {
        using var images = Arguments.OfPixels(pixels, Metadata);
        return Score(images.Span, seed, first);
    }

    /// <summary>The default score of examples, on a thread-pool thread.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units; do not change before the task ends.</param>
    /// <param name="seed">Random seed of the latents' samples.</param>
    /// <param name="first">The number of the first example.</param>
    /// <param name="cancellation">Stops waiting; a run in progress completes.</param>
    /// <inheritdoc cref="Score(ReadOnlySpan{float}, ulong, long)"/>
    public Task<float[]> ScoreAsync(ReadOnlyMemory<float> images, ulong seed = 1, long first = 0, CancellationToken cancellation = default) =>
        Task.Run(() => Score(images.Span, seed, first), cancellation);

    /// <summary>All scores of examples.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="seed">Random seed of the latents' samples.</param>
    /// <param name="first">The number of the first example.</param>
    /// <param name="samples">Samples per example, a multiple of <see cref="Samples"/>; <see cref="DefaultSamples"/> if left out.</param>
    /// <param name="withMap">Whether to return the distortion of each value.</param>
    /// <exception cref="ArgumentException">As for <see cref="Score(ReadOnlySpan{float}, ulong, long)"/>; or there is no map, or the number of samples is no multiple.</exception>
    public ExampleScores ScoreAll(ReadOnlySpan<float> images, ulong seed = 1, long first = 0, int? samples = null, bool withMap = false)
    {
        int count = Arguments.RequireRows(images.Length, Metadata.ImageSize, "images", $"{(Metadata.IsImage ? "images" : "examples")} of {Metadata.Shape} = {Metadata.ImageSize}");
        Arguments.RequireValues(images, Metadata);
        Arguments.RequireCondition(Metadata, condition);
        Arguments.RequireConditions(condition, first + count);
        int rounds = RoundsOf(samples, withMap), blockSize = BlockSize;
        var blocks = new List<ExampleScores>();
        for (int start = 0; start < count; start += blockSize)
        {
            int rows = Math.Min(blockSize, count - start);
            blocks.Add(Run(images.Slice(start * Metadata.ImageSize, rows * Metadata.ImageSize), rows, seed, first + start, rounds, withMap));
        }

        return ExampleScores.Joined(blocks);
    }

    /// <summary>Scores any number of examples as a stream, in order and in bounded memory.</summary>
    /// <param name="range">Which examples.</param>
    /// <param name="read">Reads them.</param>
    /// <param name="project">Maps the scores of a block of examples to a result.</param>
    /// <param name="seed">Random seed of the latents' samples.</param>
    /// <param name="samples">Samples per example, a multiple of <see cref="Samples"/>; <see cref="DefaultSamples"/> if left out.</param>
    /// <param name="withMap">Whether to compute the distortion of each value.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="ArgumentException">As for <see cref="ScoreAll"/>.</exception>
    public IAsyncEnumerable<T> ScoreAsync<T>(
        ImageRange range, ImageReader read, ScoreProjection<T> project, ulong seed = 1, int? samples = null, bool withMap = false, CancellationToken cancellation = default)
    {
        Arguments.RequireCondition(Metadata, condition);
        Arguments.RequireConditions(condition, range.End);
        int size = Metadata.ImageSize, rounds = RoundsOf(samples, withMap), blockSize = BlockSize;
        return ImageBlocks.RunAsync(
            ImageBlocks.Of(range, blockSize), session.MaxConcurrentRuns,
            part =>
            {
                var (block, wanted) = part;
                using var images = new PooledArray(blockSize * size);
                var (start, end) = (wanted.Start.Value, wanted.End.Value);
                images.Span.Clear();
                read(block + start, images.Span[(start * size)..(end * size)]);
                return project(block + start, Run(images.Span, blockSize, seed, block, rounds, withMap).Rows(start, end));
            },
            cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (original is null)
        {
            session.Dispose();
        }
    }

    // A file that is tuned for batches of a size is run on batches of at most that.
    private int BlockSize => Math.Min(ImageBlocks.Size(Metadata.ValuesPerImage), Metadata.ImagesAtATime ?? int.MaxValue);

    private int RoundsOf(int? samples, bool withMap) =>
        withMap && !HasMap ? throw new ArgumentException("The model has no map: its likelihood has no distortion of each value.", nameof(withMap))
        : (samples ?? DefaultSamples) is var number && number > 0 && number % Samples == 0 ? number / Samples
        : throw new ArgumentException($"The number of samples is {number}; the scorer takes {Samples} at a time: give a multiple.", nameof(samples));

    // Several rounds are averaged, the importance-weighted bound as the likelihoods that it estimates.
    private ExampleScores Run(ReadOnlySpan<float> images, int count, ulong seed, long first, int rounds, bool withMap)
    {
        int noise = Samples * Metadata.LatentSize;
        var inputs = new Dictionary<string, float[]> { ["image"] = images.ToArray() };
        if (condition is not null)
        {
            inputs[ConditionKinds.Input] = Arguments.RowsOf(Metadata, condition, first, count);
        }

        if (hasNoise)
        {
            inputs[ScoreNames.Noise] = new float[count * noise];
        }

        var sums = Kinds.ToDictionary(kind => kind, _ => new double[count]);
        var map = new float[withMap ? count * Metadata.ImageSize : 0];
        var outputs = Kinds.Select(kind => (Name: kind.Name(), Values: new float[count])).ToList();
        if (withMap)
        {
            outputs.Add((ScoreNames.Map, new float[map.Length]));
        }

        for (int round = 0; round < rounds; round++)
        {
            for (int row = 0; hasNoise && row < count; row++)
            {
                Philox.FillStandardNormal(inputs[ScoreNames.Noise].AsSpan(row * noise, noise), seed, NoiseStream, (ulong)(first + row), (long)round * noise);
            }

            session.Run(inputs, count, [.. outputs]);
            foreach (var (kind, (_, values)) in Kinds.Zip(outputs))
            {
                Add(sums[kind], values, kind == ScoreKind.NegativeLogLikelihood, round);
            }

            for (int i = 0; i < map.Length; i++)
            {
                map[i] += outputs[^1].Values[i] / rounds;
            }
        }

        return new ExampleScores(sums.ToDictionary(entry => entry.Key, entry => entry.Value.Select(sum => (float)sum).ToArray()), map);
    }

    // The mean so far, or -ln of the mean likelihood so far.
    private static void Add(double[] means, float[] values, bool areLikelihoods, int round)
    {
        for (int i = 0; i < means.Length; i++)
        {
            double difference = values[i] - means[i];
            means[i] = round == 0 ? values[i]
                : !areLikelihoods ? means[i] + (difference / (round + 1))
                : difference < 0 ? values[i] - Math.Log((1 + (round * Math.Exp(difference))) / (round + 1))
                : means[i] - Math.Log((round + Math.Exp(-difference)) / (round + 1));
        }
    }
}
