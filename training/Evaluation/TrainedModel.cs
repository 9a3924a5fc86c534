using OnnxVae.Format;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Training.Evaluation;

/// <summary>A model with trained states.</summary>
/// <param name="Package">The compiled model.</param>
/// <param name="States">Its states, by name.</param>
public readonly record struct TrainedModel(TrainingPackage Package, IReadOnlyDictionary<string, Tensor> States);
