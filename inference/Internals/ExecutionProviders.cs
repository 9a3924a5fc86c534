using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>Adds execution providers to session options, with this library's defaults for their options.</summary>
internal static class ExecutionProviders
{
    private const string Cuda = "cuda", WebGpu = "webgpu";

    /// <summary>The options that let a provider record the kernels of a run and replay them.</summary>
    private static readonly Dictionary<string, string> GraphOption = new() { [Cuda] = "enable_cuda_graph" }; // what WebGPU 1.30 replays is not what it recorded

    /// <summary>What ONNX Runtime calls the memory of a device, by its provider.</summary>
    private static readonly Dictionary<string, string> MemoryNames = new()
    {
        [OnnxDevice.CpuProvider] = "Cpu",
        [Cuda] = "Cuda",
        ["tensorrt"] = "Cuda",
        [WebGpu] = "WebGPU_Buffer",
        ["dml"] = "DML",
    };

    /// <summary>Adds the provider of a device.</summary>
    /// <exception cref="ArgumentException">The loaded ONNX Runtime does not have the device, or its provider does not accept the options.</exception>
    /// <exception cref="InvalidOperationException">The provider is there, but cannot start.</exception>
    public static void Append(SessionOptions options, OnnxDevice device)
    {
        try
        {
            if (PluggedIn(device.Provider) is { Length: > 0 } devices)
            {
                options.AppendExecutionProvider(
                    OnnxEnvironment.Instance,
                    [device.Index < devices.Length ? devices[device.Index] : throw new ArgumentException($"Device '{device}' is not available: there are {devices.Length} of {device.Provider}, numbered from 0.")],
                    OptionsOf(device));
                return;
            }

            string name = OnnxDevice.FullName(device.Provider) ?? throw OnnxDevice.NotAvailable($"{device}", device.Provider);
            if (device.Provider == Cuda)
            {
                using var cuda = new OrtCUDAProviderOptions();
                cuda.UpdateOptions(OptionsOf(device).ToDictionary());
                options.AppendExecutionProvider_CUDA(cuda);
            }
            else if (device.Provider == "tensorrt")
            {
                using var tensorRt = new OrtTensorRTProviderOptions();
                tensorRt.UpdateOptions(OptionsOf(device).ToDictionary());
                options.AppendExecutionProvider_Tensorrt(tensorRt);
            }
            else
            {
                options.AppendExecutionProvider(name, OptionsOf(device).ToDictionary());
            }
        }
        catch (OnnxRuntimeException e)
        {
            throw DeviceFailure.Of(device, e);
        }
    }

    /// <summary>Whether a provider can record runs and replay them, and its options do not say otherwise.</summary>
    public static bool CanReplay(OnnxDevice device) => GraphOption.TryGetValue(device.Provider, out string? option) && device.Options.GetValueOrDefault(option) != "0";

    /// <summary>The memory of a device; null if it is not known how ONNX Runtime calls it.</summary>
    public static OrtMemoryInfo? MemoryOf(OnnxDevice device) =>
        MemoryNames.TryGetValue(device.Provider, out string? name) ? new OrtMemoryInfo(name, OrtAllocatorType.DeviceAllocator, device.Index, OrtMemType.Default) : null;

    /// <summary>
    /// The options that a provider is given: the device's own, and defaults for the others. Only sessions whose inputs and outputs stay in place may replay,
    /// whatever the options say.
    /// </summary>
    public static ImmutableSortedDictionary<string, string> OptionsOf(OnnxDevice device)
    {
        var defaults = new Dictionary<string, string>();
        switch (device.Provider)
        {
            case Cuda:
                defaults["arena_extend_strategy"] = "kSameAsRequested"; // training asks for the same at every step: doubling would leave up to half of it unused
                defaults["use_tf32"] = device.IsPrecise ? "0" : "1";
                break;
            case WebGpu:
                defaults["enableInt64"] = "1"; // codes are 64-bit integers
                break;
            default:
                break;
        }

        if (device.Index > 0 || device.Provider == Cuda)
        {
            defaults["device_id"] = device.Index.ToString(CultureInfo.InvariantCulture); // not all providers have several devices
        }

        var options = defaults.ToImmutableSortedDictionary().SetItems(device.Options);
        return GraphOption.TryGetValue(device.Provider, out string? graph) ? device.IsReplaying ? options.SetItem(graph, "1") : options.Remove(graph) : options;
    }

    private static OrtEpDevice[] PluggedIn(string provider) =>
        [.. OnnxEnvironment.Instance.GetEpDevices().Where(device => OnnxDevice.ShortName(device.EpName) == provider && OnnxDevice.FullName(provider) is null)];
}
