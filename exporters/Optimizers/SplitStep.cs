using OnnxVae.Exporters.Programs;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>A training step in two programs, for batches that are computed in parts.</summary>
/// <param name="Gradients">States and a part of the batch go in, its contributions to gradients and statistics come out.</param>
/// <param name="Apply">States and the contributions of all parts, reduced, go in; updated states come out.</param>
public sealed record SplitStep(Program Gradients, Program Apply);
