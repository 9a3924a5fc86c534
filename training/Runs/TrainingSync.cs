using System.Runtime.InteropServices;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Runs;

/// <summary>What the first process of several tells the others between steps. All call the same methods in the same order; what the others give is ignored.</summary>
/// <param name="group">The processes.</param>
/// <param name="states">The states of this process.</param>
internal sealed class TrainingSync(ProcessGroup group, StateBuffers states)
{
    /// <summary>Where training starts, whether validation images are evaluated, whether nothing is left to train; and the states.</summary>
    /// <returns>What the first process gives.</returns>
    public (long Step, bool HasValidation, bool IsFinished) ShareStart(long step = 0, bool hasValidation = false, bool isFinished = false)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long) + 2];
        BitConverter.TryWriteBytes(bytes, step);
        (bytes[^2], bytes[^1]) = (hasValidation ? (byte)1 : (byte)0, isFinished ? (byte)1 : (byte)0);
        group.Broadcast(bytes);
        ShareStates();
        return (BitConverter.ToInt64(bytes), bytes[^2] != 0, bytes[^1] != 0);
    }

    /// <summary>Whether training ends after an evaluation of the validation images.</summary>
    /// <returns>What the first process gives.</returns>
    public bool ShareFinished(bool isFinished = false) => group.BroadcastNumber(isFinished ? 1 : 0) != 0;

    /// <summary>
    /// Gives all processes the states of the first one. They compute the same, but on processors of different kinds not to the last bit; a run that is resumed from
    /// a checkpoint has those of the first one, too.
    /// </summary>
    public void ShareStates()
    {
        if (group.Size == 1)
        {
            return;
        }

        var copy = states.Snapshot();
        foreach (var (_, state) in copy)
        {
            group.Broadcast(MemoryMarshal.AsMemory(state.Data).Span);
        }

        if (group.Rank > 0)
        {
            states.Load(copy);
        }
    }
}
