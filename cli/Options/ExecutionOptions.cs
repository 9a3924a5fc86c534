using System.Collections.Immutable;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Options;

/// <summary>Where a model runs.</summary>
internal sealed record ExecutionOptions : ThreadOptions, IChecked
{
    [Option(Topic.Execution, "An execution provider: cpu, cuda, cuda:1, webgpu, or another one that the loaded ONNX Runtime has.")]
    public string Device { get; init; } = "cpu";

    [Option(Topic.Execution, "Options of that provider as KEY=VALUE, several separated by commas, by the names that ONNX Runtime gives them: use_tf32=0 for cuda, for instance."), KeysAndValues]
    public string DeviceOption { get; init; } = "";

    [Option(Topic.Execution, "Let the processor run what the device has no kernel for, instead of refusing it.")]
    public bool AllowFallback { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) =>
        !string.Equals(Device, OnnxDevice.Cpu.Provider, StringComparison.OrdinalIgnoreCase) ? []
        : DeviceOption.Length > 0 ? ["--device-option is for devices other than the processor: give --device."]
        : AllowFallback ? ["--allow-fallback is for devices other than the processor: give --device."]
        : [];

    /// <summary>The device.</summary>
    /// <exception cref="ArgumentException">It is not available.</exception>
    public OnnxDevice ParseDevice() => OnnxDevice.Parse(Device) with { Options = ReadPairs(DeviceOption).ToImmutableSortedDictionary(), AllowsFallback = AllowFallback };

    /// <summary>Starts the device, before anything is written for it.</summary>
    /// <exception cref="ArgumentException">It is not available, or does not accept its options.</exception>
    /// <exception cref="InvalidOperationException">It cannot start.</exception>
    public void RequireDevice() => ParseDevice().Start();

    /// <summary>The same for exported models.</summary>
    /// <exception cref="ArgumentException">The device is not available.</exception>
    public VaeOptions ToVaeOptions() => new() { Device = ParseDevice(), Threads = Threads };

    private static IEnumerable<KeyValuePair<string, string>> ReadPairs(string text) =>
        text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0].Trim(), pair[1].Trim()));

    /// <summary>Pairs of a key and a value, each key once.</summary>
    private sealed class KeysAndValuesAttribute : RuleAttribute
    {
        public override string? FaultOf(string option, object value)
        {
            string[] pairs = $"{value}".Split(',', StringSplitOptions.RemoveEmptyEntries);
            return pairs.FirstOrDefault(pair => pair.IndexOf('=', StringComparison.Ordinal) < 1) is { } wrong ? $"{option} has '{wrong}'; expected KEY=VALUE, as in use_tf32=0."
                : ReadPairs($"{value}").GroupBy(pair => pair.Key).FirstOrDefault(group => group.Count() > 1) is { } twice ? $"{option} gives {twice.Key} twice: give it once."
                : null;
        }
    }
}
