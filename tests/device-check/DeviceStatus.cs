using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using OnnxVae.Inference;

namespace OnnxVae.DeviceCheck;

/// <summary>What NVIDIA's driver tells of a device.</summary>
internal static class DeviceStatus
{
    /// <summary>The device's name; null where the driver does not tell.</summary>
    public static string? NameOf(OnnxDevice device) => device.Provider == "cuda" ? Query("--query-gpu=name", $"--id={device.Index}")?.Trim() : null;

    /// <summary>Megabytes of the device that this process holds; null where the driver does not tell.</summary>
    public static double? MegabytesOfThisProcess()
    {
        string own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return Query("--query-compute-apps=pid,used_memory") is { } table
            && table.Split('\n').Select(line => line.Split(',', StringSplitOptions.TrimEntries)).FirstOrDefault(row => row is [var process, _] && process == own) is [_, var used]
            && double.TryParse(used, CultureInfo.InvariantCulture, out double mebibytes)
            ? mebibytes * 1.048576 : null;
    }

    private static string? Query(params string[] query)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("nvidia-smi", [.. query, "--format=csv,noheader,nounits"]) { RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (Win32Exception) // there is no such program
        {
            return null;
        }
    }
}
