using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>Finds out where ONNX Runtime places nodes: it says so only in its log.</summary>
internal static partial class NodePlacements
{
    private static int sessions;

    /// <summary>Whether the runtime refused a graph because nodes would fall back to the processor.</summary>
    public static bool AreRefusedIn(OnnxRuntimeException e) => e.Message.Contains("fallback to CPU EP has been explicitly disabled", StringComparison.Ordinal);

    /// <summary>Says which nodes have no kernel on the device.</summary>
    /// <param name="source">The name of the model in messages.</param>
    /// <param name="device">The device.</param>
    /// <param name="open">Loads the model.</param>
    public static string Refusal(string source, OnnxDevice device, Func<SessionOptions, InferenceSession> open)
    {
        string which = Find(device, open) is { OnProcessor: [_, ..] } placement ? placement.NamesOnProcessor : "some of its nodes";
        return $"{source} cannot run on {device}: it has no kernel for {which}. Compile the model for this device, or allow nodes to fall back to the processor.";
    }

    /// <summary>Loads a model, with fall-back allowed, and reads the log.</summary>
    /// <param name="device">The device.</param>
    /// <param name="open">Loads the model.</param>
    /// <returns>Null if the application has created ONNX Runtime's environment itself, whose log cannot be read.</returns>
    public static NodePlacement? Find(OnnxDevice device, Func<SessionOptions, InferenceSession> open)
    {
        using var turn = DeviceTurn.Take(device);
        using var settings = (device with { AllowsFallback = true }).CreateSessionOptions();
        settings.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_VERBOSE;
        settings.LogId = string.Create(CultureInfo.InvariantCulture, $"placement {Interlocked.Increment(ref sessions)}");
        return OnnxEnvironment.Record(settings.LogId, () => open(settings).Dispose()) is { } log ? Read(log, device.Provider) : null;
    }

    private static NodePlacement Read(IEnumerable<string> log, string provider)
    {
        var nodes = new Dictionary<string, List<string>>();
        int onDevice = 0;
        List<string>? listed = null;
        foreach (string line in log)
        {
            if (Heading().Match(line) is { Success: true } heading)
            {
                string placed = OnnxDevice.ShortName(heading.Groups["provider"].Value);
                onDevice += placed == provider ? int.Parse(heading.Groups["count"].ValueSpan, CultureInfo.InvariantCulture) : 0;
                listed = nodes[placed] = [];
            }
            else if (listed is not null && Node().Match(line) is { Success: true } node)
            {
                listed.Add(node.Groups["node"].Value);
            }
        }

        return new NodePlacement(onDevice, [.. nodes.Where(pair => pair.Key != provider).SelectMany(pair => pair.Value)]);
    }

    [GeneratedRegex(@"placed on \[(?<provider>\w+)\]\. Number of nodes: (?<count>\d+)")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\s+(?<node>\w+ \(.*\))\s*$")]
    private static partial Regex Node();
}
