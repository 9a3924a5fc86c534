namespace OnnxVae.Inference;

/// <summary>A block of images in a stream.</summary>
/// <param name="First">The number of the first image.</param>
/// <param name="Images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
public sealed record ImageBlock(long First, float[] Images);

/// <summary>Maps a block of images to a result, on the thread that computed them; the span is valid only during the call.</summary>
/// <param name="first">The number of the first image.</param>
/// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
public delegate T ImageProjection<out T>(long first, ReadOnlySpan<float> images);

/// <summary>Maps the latents of a block of images to a result, on the thread that computed them; the spans are valid only during the call.</summary>
/// <param name="first">The number of the first image.</param>
/// <param name="mean">Posterior means, Float32 [N, L].</param>
/// <param name="logVar">Natural logarithms of posterior variances, Float32 [N, L].</param>
public delegate T LatentProjection<out T>(long first, ReadOnlySpan<float> mean, ReadOnlySpan<float> logVar);

/// <summary>Maps the scores of a block of examples to a result, on the thread that computed them.</summary>
/// <param name="first">The number of the first example.</param>
/// <param name="scores">The scores.</param>
public delegate T ScoreProjection<out T>(long first, ExampleScores scores);

/// <summary>Reads images; called from several threads.</summary>
/// <param name="first">The number of the first image.</param>
/// <param name="images">Receives Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
public delegate void ImageReader(long first, Span<float> images);
