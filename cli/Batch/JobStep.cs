namespace OnnxVae.Cli.Batch;

/// <summary>What is left to do with some images when it is their turn.</summary>
/// <param name="Images">How many.</param>
/// <param name="Run">Does it.</param>
internal readonly record struct JobStep(int Images, Action Run);
