using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>Maps what a block of rows was filled with to a result, on the thread that computed it.</summary>
/// <param name="first">The number of the block's first row.</param>
/// <param name="rows">The rows.</param>
public delegate T ImputedProjection<T>(long first, ImputedRows rows);

/// <summary>
/// Fills the missing values of a table's rows with what a trained model expects, given those that are there, by self-normalized importance sampling. Safe to use from several threads.
/// </summary>
/// <remarks>
/// P(missing|observed) = sum of w_k P(missing|z_k), with samples z_k of R(z) and w_k proportional to P(observed, z_k) / R(z_k): Mattei and Frellsen 2019, MIWAE, arXiv 1812.02633,
/// section 3.2. R is half Q(z|observed) and half N(0, I), so that an encoder which is too sure does no harm where P(z) is N(0, I) (Hesterberg 1995). Draws take one sample by its weight. The noise of row k depends on the seed and on k alone.
/// </remarks>
/// <example><code>
/// using var imputer = VaeImputer.Load("runs/patients/export/imputer.onnx");
/// var filled = imputer.Impute(rows);
/// </code></example>
public sealed class VaeImputer : IDisposable
{
    /// <summary>Samples of the latents for each row, unless another number is given.</summary>
    public const int UsualSamples = 1024;

    private const int MostSamples = 1 << 20;
    private const int MostRowsPerRun = 16;

    private const uint LatentStream = 0x696d, ChoiceStream = 0x6963;

    private readonly VaeSession session;
    private readonly VaeImputer? original;
    private readonly Condition? condition;

    private VaeImputer(VaeSession session) => this.session = session;

    private VaeImputer(VaeImputer original, Condition condition)
        : this(original.session) => (this.original, this.condition) = (original, condition);

    /// <summary>The file's metadata.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>Loads <c>imputer.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not an imputer.</exception>
    public static VaeImputer Load(string path, VaeOptions? options = null) => new(VaeSession.Load(path, ExportedKinds.Imputer, options));

    /// <summary>Loads an imputer from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeImputer Load(byte[] model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Imputer, options));

    /// <summary>Loads an imputer from a stream, for instance an embedded resource.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeImputer Load(Stream model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Imputer, options));

    /// <summary>A conditional imputer with its condition: used like any imputer, over the same loaded file, which is disposed with the original.</summary>
    /// <param name="condition">What each row is given, from <see cref="ModelMetadata.Condition"/>; row k is that of row k.</param>
    /// <exception cref="ArgumentException">The condition does not fit the imputer, or the imputer takes none.</exception>
    public VaeImputer Given(Condition condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        Arguments.RequireCondition(Metadata, condition);
        return new VaeImputer(original ?? this, condition);
    }

    /// <summary>Fills rows.</summary>
    /// <param name="rows">Float32 [N, C], NaN where values are missing: <see cref="TableColumn.Write"/> makes them.</param>
    /// <param name="samples">Samples of the latents for each row, rounded up to a multiple of <see cref="ModelMetadata.Samples"/>.</param>
    /// <param name="draws">M, how many rows to draw for each.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first row.</param>
    /// <exception cref="ArgumentException">The length is wrong, a value is infinite, a number of samples or draws is out of range, or the imputer is conditional and has no condition.</exception>
    public ImputedRows Impute(ReadOnlySpan<float> rows, int samples = UsualSamples, int draws = 0, ulong seed = 1, long first = 0)
    {
        int count = Arguments.RequireRows(rows.Length, Metadata.ImageSize, "rows", $"rows of {Metadata.ImageSize}");
        RequireNumbers(samples, draws);
        Arguments.RequireValues(rows, Metadata);
        Arguments.RequireCondition(Metadata, condition);
        Arguments.RequireConditions(condition, first + count);
        return Fill(rows, samples, draws, seed, first);
    }

    /// <summary>Fills any number of rows as a stream, in order and in bounded memory.</summary>
    /// <param name="range">Which rows.</param>
    /// <param name="read">Reads them.</param>
    /// <param name="project">Maps a block of rows to a result.</param>
    /// <param name="samples">Samples of the latents for each row, rounded up to a multiple of <see cref="ModelMetadata.Samples"/>.</param>
    /// <param name="draws">M, how many rows to draw for each.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="ArgumentException">As for <see cref="Impute"/>.</exception>
    public IAsyncEnumerable<T> ImputeAsync<T>(
        ImageRange range, ImageReader read, ImputedProjection<T> project, int samples = UsualSamples, int draws = 0, ulong seed = 1, CancellationToken cancellation = default)
    {
        RequireNumbers(samples, draws);
        Arguments.RequireCondition(Metadata, condition);
        Arguments.RequireConditions(condition, range.End);
        int size = Metadata.ImageSize, blockSize = ImageBlocks.Size(size);
        return ImageBlocks.RunAsync(
            ImageBlocks.Of(range, blockSize), session.MaxConcurrentRuns,
            part =>
            {
                var (block, wanted) = part;
                var (start, end) = (wanted.Start.Value, wanted.End.Value);
                using var rows = new PooledArray((end - start) * size);
                read(block + start, rows.Span);
                return project(block + start, Fill(rows.Span, samples, draws, seed, block + start));
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

    private int RowsPerRun => Math.Min(MostRowsPerRun, Metadata.ImagesAtATime ?? MostRowsPerRun);

    private static void RequireNumbers(int samples, int draws)
    {
        if (samples is < 1 or > MostSamples)
        {
            throw new ArgumentOutOfRangeException(nameof(samples), $"The number of samples is {samples}; expected 1 to {MostSamples} for each row.");
        }

        if (draws < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(draws), $"The number of draws is {draws}; expected 0 or more.");
        }
    }

    // Rows that are complete need no samples; the others take turns of a fixed number, which makes a row the same bytes in every block.
    private ImputedRows Fill(ReadOnlySpan<float> rows, int samples, int draws, ulong seed, long first)
    {
        int size = Metadata.ImageSize;
        var filled = new Imputation[rows.Length / size];
        for (int row = 0; row < filled.Length; row++)
        {
            filled[row] = new Imputation(Metadata.Columns, rows.Slice(row * size, size), draws);
        }

        int[] incomplete = [.. Enumerable.Range(0, filled.Length).Where(row => !filled[row].IsComplete)];
        foreach (int[] turn in incomplete.Chunk(RowsPerRun))
        {
            Sample(rows, turn, filled, samples, draws, seed, first);
        }

        return ImputedRows.Of(filled, size, draws, samples, seed, first);
    }

    private void Sample(ReadOnlySpan<float> rows, int[] turn, Imputation[] filled, int samples, int draws, ulong seed, long first)
    {
        int size = Metadata.ImageSize, perRound = Metadata.Samples, noise = perRound * Metadata.LatentSize, count = RowsPerRun;
        var inputs = new Dictionary<string, float[]> { ["image"] = new float[count * size], [ImputerNames.Noise] = new float[count * noise] };
        if (condition is not null)
        {
            inputs[ConditionKinds.Input] = new float[count * condition.Size];
        }

        for (int i = 0; i < turn.Length; i++)
        {
            rows.Slice(turn[i] * size, size).CopyTo(inputs["image"].AsSpan(i * size));
            condition?.Fill(first + turn[i], inputs[ConditionKinds.Input].AsSpan(i * condition.Size, condition.Size));
        }

        float[] logWeights = new float[count * perRound], means = new float[count * perRound * size], deviations = new float[means.Length], uniform = new float[draws * perRound];
        for (int added = 0; added < samples; added += perRound)
        {
            for (int i = 0; i < turn.Length; i++)
            {
                Philox.FillStandardNormal(inputs[ImputerNames.Noise].AsSpan(i * noise, noise), seed, LatentStream, (ulong)(first + turn[i]), (long)added * Metadata.LatentSize);
            }

            session.Run(inputs, count, (ImputerNames.LogWeight, logWeights), (ImputerNames.Mean, means), (ImputerNames.Deviation, deviations));
            for (int i = 0; i < turn.Length; i++)
            {
                for (int draw = 0; draw < draws; draw++)
                {
                    Philox.FillUniform(uniform.AsSpan(draw * perRound, perRound), seed, ChoiceStream, (ulong)(first + turn[i]), ((long)draw * MostSamples) + added);
                }

                for (int sample = 0; sample < perRound; sample++)
                {
                    int at = (i * perRound) + sample;
                    filled[turn[i]].Add(logWeights[at], means.AsSpan(at * size, size), deviations.AsSpan(at * size, size), uniform, sample);
                }
            }
        }
    }
}
