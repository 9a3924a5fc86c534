namespace OnnxVae.Inference;

/// <summary>
/// Draws several candidates for each image, and keeps the one that a classifier finds likeliest to be of a class. Image k has the candidates
/// k M to k M + M - 1 of the prior behind it, so it still depends on the seed and on k alone. Safe to use from several threads.
/// </summary>
/// <remarks>Rejection by a classifier as in Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, section 3.4, with a fixed share of 1 / M that is kept.</remarks>
public sealed class BestOfPrior : LatentPrior
{
    private readonly LatentPrior candidates;
    private readonly VaeDecoder decoder;
    private readonly ImageClassifier classifier;
    private readonly int label;
    private readonly int count;
    private long drawn;
    private long recognisedDrawn;
    private long kept;
    private long recognisedKept;

    /// <summary>Takes what it needs; none of it is disposed with it.</summary>
    /// <param name="candidates">What candidates are drawn from.</param>
    /// <param name="decoder">Makes images of them.</param>
    /// <param name="classifier">Judges the images.</param>
    /// <param name="label">The class, a position in the classifier's output.</param>
    /// <param name="count">M, candidates for each image.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class, or less than one candidate.</exception>
    public BestOfPrior(LatentPrior candidates, VaeDecoder decoder, ImageClassifier classifier, int label, int count)
        : base(candidates.LatentSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(label);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(label, classifier.Classes);
        (this.candidates, this.decoder, this.classifier, this.label, this.count) = (candidates, decoder, classifier, label, count);
    }

    /// <summary>The share of all candidates so far that the classifier takes for the class.</summary>
    public double RecognisedOfAll => (double)recognisedDrawn / drawn;

    /// <summary>The share of what was kept so far that the classifier takes for the class.</summary>
    public double RecognisedOfKept => (double)recognisedKept / kept;

    /// <inheritdoc/>
    public override void Draw(ulong seed, long first, Span<float> latents)
    {
        int images = latents.Length / LatentSize;
        var z = new float[images * count * LatentSize];
        candidates.Draw(seed, first * count, z);
        float[] probabilities = classifier.Probabilities(decoder.Decode(z));
        int recognised = 0, best = 0;
        for (int candidate = 0; candidate < images * count; candidate++)
        {
            best = candidate % count == 0 || Of(candidate)[label] > Of(best)[label] ? candidate : best;
            recognised += IsRecognised(Of(candidate));
            if ((candidate + 1) % count == 0)
            {
                z.AsSpan(best * LatentSize, LatentSize).CopyTo(latents[(candidate / count * LatentSize)..]);
                Interlocked.Add(ref recognisedKept, IsRecognised(Of(best)));
            }
        }

        Interlocked.Add(ref recognisedDrawn, recognised);
        Interlocked.Add(ref drawn, images * count);
        Interlocked.Add(ref kept, images);

        ReadOnlySpan<float> Of(int candidate) => probabilities.AsSpan(candidate * classifier.Classes, classifier.Classes);
    }

    private int IsRecognised(ReadOnlySpan<float> probabilities)
    {
        foreach (float probability in probabilities)
        {
            if (probability > probabilities[label])
            {
                return 0;
            }
        }

        return 1;
    }
}
