namespace OnnxVae.Inference;

/// <summary>Images of a stream.</summary>
/// <param name="First">The number of the first.</param>
/// <param name="Images">Float32 [N, C, H, W], values in [0, 1].</param>
public sealed record ImageBlock(long First, float[] Images);

/// <summary>Makes something of some images, on the thread that computed them; the images are gone afterwards.</summary>
/// <param name="first">The number of the first.</param>
/// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
public delegate T ImageProjection<out T>(long first, ReadOnlySpan<float> images);

/// <summary>Makes something of some images' latents, on the thread that computed them; the latents are gone afterwards.</summary>
/// <param name="first">The number of the first.</param>
/// <param name="mean">Posterior means, Float32 [N, L].</param>
/// <param name="logVar">Logarithms of posterior variances, Float32 [N, L].</param>
public delegate T LatentProjection<out T>(long first, ReadOnlySpan<float> mean, ReadOnlySpan<float> logVar);

/// <summary>Reads images; called from several threads.</summary>
/// <param name="first">The number of the first.</param>
/// <param name="images">Receives Float32 [N, C, H, W], values in [0, 1].</param>
public delegate void ImageReader(long first, Span<float> images);
