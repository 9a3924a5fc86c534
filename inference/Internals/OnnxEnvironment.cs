using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// ONNX Runtime's environment for this process. Unless the application has created one before, it logs errors only, and usage reports to
/// its developers, which are on by default since version 1.31, are off.
/// </summary>
internal static class OnnxEnvironment
{
    /// <summary>The name of this library's sessions in the log.</summary>
    public const string LogId = "OnnxVae";

    private static readonly Lazy<OrtEnv> Environment = new(Create);
    private static readonly ConcurrentDictionary<string, ConcurrentQueue<string>> Records = new();
    private static readonly DOrtLoggingFunction Logging = Log; // native code holds it
    private static bool isLogged;

    /// <summary>The environment.</summary>
    public static OrtEnv Instance => Environment.Value;

    /// <summary>Records what a session logs.</summary>
    /// <param name="logId">The session's id in the log.</param>
    /// <param name="run">What to do with the session.</param>
    /// <returns>The messages; null if the application's own log gets them.</returns>
    public static IReadOnlyCollection<string>? Record(string logId, Action run)
    {
        _ = Instance;
        var record = Records[logId] = new ConcurrentQueue<string>();
        try
        {
            run();
        }
        finally
        {
            Records.TryRemove(logId, out _);
        }

        return isLogged ? record : null;
    }

    private static OrtEnv Create()
    {
        try
        {
            return OrtEnv.IsCreated ? OrtEnv.Instance() : New();
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException { InnerException: DllNotFoundException })
        {
            throw new DllNotFoundException("The native library of ONNX Runtime is missing: add the package Microsoft.ML.OnnxRuntime to the application, or that of its device.", e);
        }
    }

    private static OrtEnv New()
    {
        var options = new EnvironmentCreationOptions { logId = LogId, logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, loggingFunction = Logging };
        var environment = OrtEnv.CreateInstanceWithOptions(ref options);
        environment.DisableTelemetryEvents();
        isLogged = true;
        return environment;
    }

    // What this library's sessions log as errors comes as exceptions, too.
    private static void Log(IntPtr parameter, OrtLoggingLevel severity, string category, string logId, string codeLocation, string message)
    {
        if (Records.TryGetValue(logId, out var record))
        {
            record.Enqueue(message);
        }
        else if (logId != LogId || severity != OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR)
        {
            Console.Error.WriteLine($"{logId}: {message}");
        }
    }
}
