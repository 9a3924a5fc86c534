using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// An ONNX Runtime execution provider, chosen explicitly: a missing provider is an error, and so is a graph with a node that the device has no kernel for,
/// never a silent fallback to the processor.
/// </summary>
/// <param name="Provider">Its short name in lower case: <c>cpu</c>, <c>cuda</c>, ...</param>
/// <param name="Index">The index among several devices.</param>
public sealed record OnnxDevice(string Provider, int Index = 0)
{
    internal const string CpuProvider = "cpu";
    private const string ProviderSuffix = "ExecutionProvider";
    private const int ThreadsPerProcessor = 4; // more threads only wait for each other, and starting thousands takes minutes

    /// <summary>The CPU; always available.</summary>
    public static OnnxDevice Cpu { get; } = new(CpuProvider);

    /// <summary>Options of the provider by the names that ONNX Runtime gives them, such as <c>use_tf32</c> of CUDA; they replace the defaults.</summary>
    public ImmutableSortedDictionary<string, string> Options { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Whether nodes that the device has no kernel for may run on the processor. Their tensors are copied there and back at every run.</summary>
    public bool AllowsFallback { get; init; }

    /// <summary>Whether float32 products keep float32's 24 bits: CUDA's provider otherwise rounds the operands of matrix products and convolutions to TF32's 11.</summary>
    public bool IsPrecise { get; init; }

    /// <summary>Whether it is the CPU.</summary>
    public bool IsProcessor => Provider == CpuProvider;

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

    /// <summary>Reads <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, or another provider's name, short or as ONNX Runtime spells it: <c>WebGpuExecutionProvider</c>.</summary>
    /// <exception cref="ArgumentException">The text is malformed, or the loaded ONNX Runtime has no such provider.</exception>
    public static OnnxDevice Parse(string text)
    {
        var (name, index) = text.Split(':') switch
        {
            [var provider] => (provider, 0),
            [var provider, var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) => (provider, parsed),
            _ => throw new ArgumentException($"Device '{text}' is malformed: write a provider's name, with a device number if there are several, as in cuda:1.", nameof(text)),
        };
        name = ShortName(name);
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
    /// <exception cref="ArgumentException">The loaded ONNX Runtime does not have the device, or its provider does not accept the options.</exception>
    /// <exception cref="InvalidOperationException">The provider is there, but cannot start: a driver or a library is missing.</exception>
    public SessionOptions CreateSessionOptions(int threads = 0)
    {
        RequireThreads(threads);
        DeviceFailure.RequireNone(this);
        _ = OnnxEnvironment.Instance; // before ONNX Runtime creates one by itself
        var options = new SessionOptions
        {
            IntraOpNumThreads = threads > 0 ? threads : Environment.ProcessorCount,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            EnableMemoryPattern = false, // it would hold a second block for all tensors besides the one of the first run: twice the memory, no time gained
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
            LogId = OnnxEnvironment.LogId,
        };
        options.AddSessionConfigEntry("session.set_denormal_as_zero", "1"); // optimizer moments that decay to denormals would otherwise slow every step
        if (!IsProcessor)
        {
            options.AddSessionConfigEntry("session.disable_cpu_ep_fallback", AllowsFallback ? "0" : "1");
            try
            {
                ExecutionProviders.Append(options, this);
            }
            catch
            {
                options.Dispose();
                throw;
            }
        }

        return options;
    }

    /// <summary>The device as <see cref="Parse"/> reads it.</summary>
    public override string ToString() => Index == 0 ? Provider : $"{Provider}:{Index}";

    /// <summary>
    /// Starts the device with an empty graph. A device that cannot start is not tried again: some providers do not survive a second attempt.
    /// </summary>
    /// <exception cref="ArgumentException">The loaded ONNX Runtime does not have the device, or its provider does not accept the options.</exception>
    /// <exception cref="InvalidOperationException">The provider is there, but cannot start: a driver or a library is missing.</exception>
    public void Start()
    {
        using var memory = new DeviceMemory(this);
    }

    /// <summary>
    /// The same with runs that are recorded once and replayed, as CUDA graphs, so that starting hundreds of kernels costs nothing. Shapes and buffers must stay the
    /// same, and all nodes be on the device. The device itself if it cannot do that, or if its options switch it off.
    /// </summary>
    public OnnxDevice Replaying() => !AllowsFallback && ExecutionProviders.CanReplay(this) ? this with { IsReplaying = true } : this;

    /// <summary>Whether its products are rounded to TF32.</summary>
    public bool RoundsToTf32 => Provider == "cuda" && ExecutionProviders.OptionsOf(this)["use_tf32"] != "0";

    /// <inheritdoc/>
    public bool Equals(OnnxDevice? other) => other is not null
        && (Provider, Index, AllowsFallback, IsPrecise, IsReplaying) == (other.Provider, other.Index, other.AllowsFallback, other.IsPrecise, other.IsReplaying) && Options.SequenceEqual(other.Options);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Provider, Index, Options.Count);

    /// <summary>Whether runs are recorded and replayed.</summary>
    internal bool IsReplaying { get; private init; }

    /// <summary>What ONNX Runtime calls a provider, by its short name; null if it does not have it.</summary>
    internal static string? FullName(string provider) => OnnxEnvironment.Instance.GetAvailableProviders().FirstOrDefault(full => ShortName(full) == provider);

    /// <summary>The short name of a provider.</summary>
    internal static string ShortName(string provider) => provider.Replace(ProviderSuffix, "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>The refusal of a device that the loaded ONNX Runtime does not have.</summary>
    internal static ArgumentException NotAvailable(string text, string name) => new(
        $"Device '{text}' is not available: this ONNX Runtime has {string.Join(", ", Available)}. {HowToGet(name)}");

    private static string HowToGet(string name) => name == "cuda"
        ? "It comes with ONNX Runtime's GPU package, and needs CUDA 13 and cuDNN 9."
        : "Choose one of these, reference the ONNX Runtime package of that provider, or register its library.";
}
