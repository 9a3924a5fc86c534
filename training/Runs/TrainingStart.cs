namespace OnnxVae.Training.Runs;

/// <summary>Where the training of a run starts, or goes on.</summary>
/// <param name="Step">Steps done before.</param>
/// <param name="DamagedCheckpoints">Checkpoints that were damaged and set aside, newest first; they now have the extension <c>.damaged</c>.</param>
public sealed record TrainingStart(long Step, IReadOnlyList<string> DamagedCheckpoints);
