using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// ONNX Runtime's environment for this process. Unless the application has created one before, it logs errors only, and usage reports to
/// its developers, which are on by default since version 1.31, are off.
/// </summary>
internal static class OnnxEnvironment
{
    private static readonly Lazy<OrtEnv> Environment = new(Create);

    /// <summary>The environment.</summary>
    public static OrtEnv Instance => Environment.Value;

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
        var options = new EnvironmentCreationOptions { logId = "OnnxVae", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        var environment = OrtEnv.CreateInstanceWithOptions(ref options);
        environment.DisableTelemetryEvents();
        return environment;
    }
}
