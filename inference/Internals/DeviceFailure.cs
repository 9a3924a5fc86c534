using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>Why devices cannot start. It is remembered: some providers end the process when they are tried a second time.</summary>
internal static class DeviceFailure
{
    private static readonly string[] Words = ["WebGPU adapter", "shared library", "driver version", "no CUDA-capable device"];
    private static readonly ConcurrentDictionary<string, string> Known = new();

    /// <summary>Refuses a device that could not start before.</summary>
    /// <exception cref="InvalidOperationException">It could not.</exception>
    public static void RequireNone(OnnxDevice device)
    {
        if (Known.TryGetValue($"{device}", out string? message))
        {
            throw new InvalidOperationException(message);
        }
    }

    /// <summary>Whether a session could not be made because the device does not start, not because of its model.</summary>
    public static bool IsOfDevice(OnnxRuntimeException e) => Words.Any(word => e.Message.Contains(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>The refusal of a device that the runtime could not start.</summary>
    /// <param name="device">The device.</param>
    /// <param name="cause">What the runtime says.</param>
    public static Exception Of(OnnxDevice device, OnnxRuntimeException cause)
    {
        if (cause.Message.Contains("provider option", StringComparison.OrdinalIgnoreCase) || cause.Message.Contains("Unknown provider", StringComparison.OrdinalIgnoreCase))
        {
            return new ArgumentException($"The provider of device '{device}' does not accept its options: {ReasonIn(cause)}", cause);
        }

        string? missing = device.Provider is "cuda" or "tensorrt" ? CudaLibraries.Fault : null;
        string message = $"Device '{device}' cannot start: {missing ?? $"{ReasonIn(cause)} Is there such a device, with its driver?"}";
        Known[$"{device}"] = message;
        return new InvalidOperationException(message, cause);
    }

    /// <summary>The reason in a message of the runtime, which puts its error code, its source file and a C++ signature before it.</summary>
    public static string ReasonIn(OnnxRuntimeException cause)
    {
        string line = cause.Message.Trim().Split('\n')[0].Trim();
        int reason = line.LastIndexOf(" was false. ", StringComparison.Ordinal);
        line = reason >= 0 ? line[(reason + " was false. ".Length)..] : line.StartsWith('[') ? line[(line.IndexOf(']', StringComparison.Ordinal) + 1)..].Trim() : line;
        return line.EndsWith('.') ? line : $"{line}.";
    }
}
