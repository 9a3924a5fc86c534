namespace OnnxVae.Format;

/// <summary>What a metric means to whoever runs the program.</summary>
public enum MetricRole
{
    /// <summary>The scalar that is minimized; training stops if it is not finite.</summary>
    Loss,

    /// <summary>A scalar to be logged.</summary>
    Scalar,

    /// <summary>A tensor of any shape, such as a gradient, for whoever runs the program.</summary>
    Tensor,

    /// <summary>One number per row of the batch, to be averaged over a data set.</summary>
    PerRow,

    /// <summary>Log-weight of the drawn sample per row; several draws give an importance-weighted log-likelihood.</summary>
    LogImportanceWeight,

    /// <summary>One number per row of the batch and latent, [N, L], to be averaged over a data set latent by latent.</summary>
    PerLatent,

    /// <summary>Means of the approximate posterior, [N, L].</summary>
    PosteriorMean,

    /// <summary>Log-variances of the approximate posterior, [N, L].</summary>
    PosteriorLogVariance,

    /// <summary>How often each code of a codebook occurs in each row of the batch, [N, K].</summary>
    CodeCounts,

    /// <summary>One number per row of the batch, computed with the latents of the row before it in the batch; for the first row, those of the last.</summary>
    PerRowExchanged,

    /// <summary>The most likely segment of each position of the row's grid, as whole numbers, [N, P].</summary>
    Segments,

    /// <summary>The variance of each latent under the prior, [L]; 1 if there is no such metric.</summary>
    PriorVariance,

    /// <summary>A part's contribution to a mean over all parts of the batch: a gradient, a running average.</summary>
    MeanOverParts,

    /// <summary>A part's contribution to a sum over all parts of the batch.</summary>
    SumOverParts,

    /// <summary>A part's contribution of which only the first part's counts.</summary>
    OfFirstPart,
}
