using System.Collections.Concurrent;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// One use of a device at a time, process-wide: providers other than the processor's do not bear two sessions that run, or one that is created while another
/// runs. Disposing it ends the turn; a thread may take it again while it has it.
/// </summary>
internal readonly struct DeviceTurn : IDisposable
{
    private static readonly ConcurrentDictionary<string, object> Locks = new();

    private readonly object? held;

    private DeviceTurn(object held)
    {
        this.held = held;
        Monitor.Enter(held);
    }

    /// <summary>Waits for a turn on a device; there is no need to wait for the processor.</summary>
    public static DeviceTurn Take(OnnxDevice device) => device.IsProcessor ? default : new(Locks.GetOrAdd(LockOf(device), _ => new object()));

    // Recordings of CUDA bear no other use of any of its devices, and TensorRT runs on the same ones.
    private static string LockOf(OnnxDevice device) => device.Provider is "cuda" or "tensorrt" ? "cuda" : $"{device}";

    public void Dispose()
    {
        if (held is not null)
        {
            Monitor.Exit(held);
        }
    }
}
