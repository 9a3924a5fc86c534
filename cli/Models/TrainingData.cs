using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Models;

/// <summary>What a model is trained on, as far as it depends on it.</summary>
/// <param name="Examples">The training examples.</param>
/// <param name="Condition">What it is conditional on, the value of <c>--condition</c>; null for nothing.</param>
/// <param name="Scale">How real numbers are scaled, the value of <c>--scale</c>; null to choose.</param>
internal sealed record TrainingData(ImageSource Examples, string? Condition, string? Scale);
