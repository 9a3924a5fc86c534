using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// ONNX Runtime's environment of this process. Unless the application has made one before, it reports errors only, and its usage reports to
/// its makers, which are on by default since version 1.31, are off.
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
