using System.Runtime.InteropServices;
using OnnxVae.DeviceCheck;
using OnnxVae.Inference;

namespace OnnxVae.Benchmarks;

/// <summary>Where the benchmark runs.</summary>
internal static class Machine
{
    private const string ProcessorFile = "/proc/cpuinfo";

    /// <summary>The name of a device, as its driver has it, or of its provider.</summary>
    public static string NameOf(OnnxDevice device) => device.IsProcessor ? Processor : DeviceStatus.NameOf(device) ?? $"{device}";

    /// <summary>The processor's name, with the number of logical processors.</summary>
    public static string Processor
    {
        get
        {
            string name = File.Exists(ProcessorFile)
                ? File.ReadLines(ProcessorFile).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? ""
                : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "";
            return $"{(name.Length > 0 ? name : RuntimeInformation.ProcessArchitecture)}, {Environment.ProcessorCount} logical processors";
        }
    }
}
