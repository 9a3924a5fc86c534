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
        if (OrtEnv.IsCreated)
        {
            return OrtEnv.Instance();
        }

        var options = new EnvironmentCreationOptions { logId = "OnnxVae", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        var environment = OrtEnv.CreateInstanceWithOptions(ref options);
        environment.DisableTelemetryEvents();
        return environment;
    }
}
