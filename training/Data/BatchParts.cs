namespace OnnxVae.Training.Data;

/// <summary>Which parts of every batch are prepared: all of them, or those of one process of several.</summary>
/// <param name="Total">Parts of a batch, of equal size.</param>
/// <param name="First">The first one that is prepared, from 0.</param>
/// <param name="Count">How many are prepared.</param>
public sealed record BatchParts(int Total, int First, int Count)
{
    /// <summary>Batches as a whole.</summary>
    public static BatchParts Whole { get; } = new(1, 0, 1);
}
