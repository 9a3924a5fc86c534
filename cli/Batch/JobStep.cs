namespace OnnxVae.Cli.Batch;

/// <summary>The remaining work on a block of images, to be done in order.</summary>
/// <param name="Images">The number of images.</param>
/// <param name="Run">Does the work.</param>
internal readonly record struct JobStep(int Images, Action Run)
{
    /// <summary>The work on a block of images for two outputs.</summary>
    public static JobStep Both(JobStep one, JobStep other) => new(one.Images, one.Run + other.Run);
}
