namespace OnnxVae.Cli.Batch;

/// <summary>The remaining work on a block of images, to be done in order.</summary>
/// <param name="Images">The number of images.</param>
/// <param name="Run">Does the work.</param>
internal readonly record struct JobStep(int Images, Action Run);
