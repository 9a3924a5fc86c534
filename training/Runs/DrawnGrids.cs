namespace OnnxVae.Training.Runs;

/// <summary>Sample grids of a step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Files">The paths of the pictures, PNG files.</param>
public sealed record DrawnGrids(long Step, IReadOnlyList<string> Files);
