using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using OnnxVae.Inference;

namespace OnnxVae.Benchmarks;

/// <summary>Where the benchmark runs.</summary>
internal static class Machine
{
    /// <summary>The name of a device, as its driver has it, or of its provider.</summary>
    public static string NameOf(OnnxDevice device)
    {
        if (device.IsProcessor)
        {
            return Processor;
        }

        try
        {
            var query = new ProcessStartInfo("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader", "--id=" + device.Index]) { RedirectStandardOutput = true };
            using var process = Process.Start(query)!;
            string name = process.StandardOutput.ReadToEnd().Trim();
            return device.Provider == "cuda" && name.Length > 0 ? name : $"{device}";
        }
        catch (Win32Exception) // there is no such program
        {
            return $"{device}";
        }
    }

    private const string ProcessorFile = "/proc/cpuinfo";

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
