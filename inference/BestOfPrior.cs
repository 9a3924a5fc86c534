using System.Numerics.Tensors;

namespace OnnxVae.Inference;

/// <summary>
/// Draws several candidates for each image and keeps the one to which a classifier gives the highest probability of a class. The candidates for
/// image k are draws k M to k M + M - 1 of the underlying prior, so the image still depends on the seed and on k alone. Safe to use from several threads.
/// </summary>
/// <remarks>Rejection by a classifier as in Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, section 3.4, at a fixed acceptance rate of 1 / M.</remarks>
public sealed class BestOfPrior : LatentPrior
{
    private readonly LatentPrior candidates;
    private readonly VaeDecoder decoder;
    private readonly ImageClassifier classifier;
    private readonly int label;
    private readonly int count;
    private readonly ImageRange? counted;
    private long images;
    private long recognised;
    private long recognisedAndKept;

    /// <summary>Creates the prior; the arguments are not disposed with it.</summary>
    /// <param name="candidates">The prior that candidates are drawn from.</param>
    /// <param name="decoder">Decodes the candidates.</param>
    /// <param name="classifier">Scores the images.</param>
    /// <param name="label">The class, a position in the classifier's output.</param>
    /// <param name="count">M, candidates for each image.</param>
    /// <param name="counted">The images that the fractions are computed over, since streams draw more than requested; all that are drawn if omitted.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class, or there is less than one candidate.</exception>
    public BestOfPrior(LatentPrior candidates, VaeDecoder decoder, ImageClassifier classifier, int label, int count, ImageRange? counted = null)
        : base(candidates.LatentSize, candidates.Weights)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(label);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(label, classifier.Classes);
        (this.candidates, this.decoder, this.classifier, this.label, this.count) = (candidates, decoder, classifier, label, count);
        this.counted = counted;
    }

    /// <summary>The fraction of all candidates so far that the classifier assigns to the class.</summary>
    public double RecognisedOfAll => (double)recognised / (images * count);

    /// <summary>The fraction of the kept images so far that the classifier assigns to the class.</summary>
    public double RecognisedOfKept => (double)recognisedAndKept / images;

    /// <inheritdoc/>
    public override void Draw(ulong seed, long first, Span<float> latents, Condition? condition = null)
    {
        int size = LatentSize, rows = latents.Length / size;
        var z = new float[rows * count * size];
        candidates.Draw(seed, first * count, z);
        float[] scores = classifier.LogProbabilities(decoder.Decode(z));
        for (int row = 0; row < rows; row++)
        {
            int[] own = [.. Enumerable.Range(row * count, count)];
            int best = own.MaxBy(candidate => Of(candidate)[label]);
            z.AsSpan(best * size, size).CopyTo(latents[(row * size)..]);
            if (counted is not { } range || (first + row >= range.First && first + row < range.End))
            {
                Interlocked.Increment(ref images);
                Interlocked.Add(ref recognised, own.Count(candidate => IsRecognised(Of(candidate))));
                Interlocked.Add(ref recognisedAndKept, IsRecognised(Of(best)) ? 1 : 0);
            }
        }

        ReadOnlySpan<float> Of(int candidate) => scores.AsSpan(candidate * classifier.Classes, classifier.Classes);
    }

    private bool IsRecognised(ReadOnlySpan<float> scores) => scores[label] == TensorPrimitives.Max(scores);
}
