using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>An ONNX Runtime execution provider, chosen explicitly: a missing provider is an error, never a silent fallback.</summary>
/// <param name="Provider">Its short name in lower case: <c>cpu</c>, <c>cuda</c>, ...</param>
/// <param name="Index">The index among several devices.</param>
public sealed record OnnxDevice(string Provider, int Index = 0)
{
    private const string ProviderSuffix = "ExecutionProvider";
    private const int ThreadsPerProcessor = 4; // more threads only wait for each other, and starting thousands takes minutes

    /// <summary>The CPU; always available.</summary>
    public static OnnxDevice Cpu { get; } = new("cpu");

    /// <summary>The version of the loaded ONNX Runtime.</summary>
    public static string RuntimeVersion => OnnxEnvironment.Instance.GetVersionString();

    /// <summary>The providers that the loaded ONNX Runtime has, built in or registered, by short name.</summary>
    public static IReadOnlyList<string> Available =>
        [.. OnnxEnvironment.Instance.GetAvailableProviders().Concat(OnnxEnvironment.Instance.GetEpDevices().Select(device => device.EpName)).Select(ShortName).Distinct()];

    /// <summary>Loads a plug-in execution provider, whose devices can then be chosen.</summary>
    /// <param name="path">Its library, as shipped by its package or vendor.</param>
    /// <returns>The short names of the providers that came with it.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an execution provider for this ONNX Runtime.</exception>
    public static IReadOnlyList<string> RegisterLibrary(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no execution provider library '{path}'.");
        }

        var before = Available;
        try
        {
            string full = Path.GetFullPath(path);
            OnnxEnvironment.Instance.RegisterExecutionProviderLibrary(full, full);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"'{path}' is not an execution provider for this ONNX Runtime: {e.Message}", e);
        }

        return [.. Available.Except(before)];
    }

    /// <summary>Reads <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, or another provider's name.</summary>
    /// <exception cref="ArgumentException">The text is malformed, or the loaded ONNX Runtime has no such provider.</exception>
    public static OnnxDevice Parse(string text)
    {
        var (name, index) = text.Split(':') switch
        {
            [var provider] => (provider, 0),
            [var provider, var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) => (provider, parsed),
            _ => throw new ArgumentException($"Device '{text}' is malformed: write a provider's name, with a device number if there are several, as in cuda:1.", nameof(text)),
        };
        name = name.ToLowerInvariant();
        return Available.Contains(name) ? new OnnxDevice(name, index) : throw NotAvailable(text, name);
    }

    /// <summary>The maximum number of threads of a session: four per logical processor.</summary>
    public static int MostThreads => ThreadsPerProcessor * Environment.ProcessorCount;

    /// <summary>Checks a number of threads.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative, or above <see cref="MostThreads"/>.</exception>
    public static void RequireThreads(int threads)
    {
        if (threads < 0 || threads > MostThreads)
        {
            throw new ArgumentOutOfRangeException(
                nameof(threads), $"{threads} threads were requested; this machine allows at most {MostThreads}, or 0 for one per logical processor: choose fewer.");
        }
    }

    /// <summary>Session options for this device.</summary>
    /// <param name="threads">CPU threads per session; 0 for one per logical processor.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are too many threads.</exception>
    /// <exception cref="ArgumentException">The loaded ONNX Runtime does not have the device.</exception>
    public SessionOptions CreateSessionOptions(int threads = 0)
    {
        RequireThreads(threads);
        _ = OnnxEnvironment.Instance; // before ONNX Runtime creates one by itself
        var options = new SessionOptions
        {
            IntraOpNumThreads = threads > 0 ? threads : Environment.ProcessorCount,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            EnableMemoryPattern = false, // it would hold a second block for all tensors besides the one of the first run: twice the memory, no time gained
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        options.AddSessionConfigEntry("session.set_denormal_as_zero", "1"); // optimizer moments that decay to denormals would otherwise slow every step
        switch (Provider)
        {
            case "cpu":
                break;
            case "cuda":
                options.AppendExecutionProvider_CUDA(Index);
                break;
            case var _ when PluggedIn() is { Length: > 0 } devices:
                options.AppendExecutionProvider(OnnxEnvironment.Instance, [Index < devices.Length ? devices[Index] : throw new ArgumentException(
                    $"Device '{this}' is not available: there are {devices.Length} of {Provider}, numbered from 0.")], new Dictionary<string, string>());
                break;
            default:
                // By its full name, which is known whatever its short forms are; not all providers have several devices.
                options.AppendExecutionProvider(
                    OnnxEnvironment.Instance.GetAvailableProviders().FirstOrDefault(provider => ShortName(provider) == Provider) ?? throw NotAvailable($"{this}", Provider),
                    Index == 0 ? [] : new Dictionary<string, string> { ["device_id"] = Index.ToString(CultureInfo.InvariantCulture) });
                break;
        }

        return options;
    }

    /// <summary>The device as <see cref="Parse"/> reads it.</summary>
    public override string ToString() => Index == 0 ? Provider : $"{Provider}:{Index}";

    private OrtEpDevice[] PluggedIn() => [.. OnnxEnvironment.Instance.GetEpDevices().Where(device => ShortName(device.EpName) == Provider)];

    private static string ShortName(string provider) => provider.Replace(ProviderSuffix, "", StringComparison.Ordinal).ToLowerInvariant();

    private static ArgumentException NotAvailable(string text, string name) => new(
        $"Device '{text}' is not available: this ONNX Runtime has {string.Join(", ", Available)}. {HowToGet(name)}");

    private static string HowToGet(string name) => name == "cuda"
        ? "It comes with ONNX Runtime's GPU package, and needs CUDA 13 and cuDNN 9."
        : "Choose one of these, reference the ONNX Runtime package of that provider, or register its library.";
}
