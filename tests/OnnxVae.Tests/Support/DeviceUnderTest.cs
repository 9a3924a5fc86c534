using OnnxVae.Inference;

namespace OnnxVae.Tests.Support;

/// <summary>
/// The device of the tests that need one other than the processor: they have a category of their own, which is run where there is such a device,
/// named by <c>ONNXVAE_DEVICE</c>.
/// </summary>
internal static class DeviceUnderTest
{
    public const string Category = "Device";

    private const string Variable = "ONNXVAE_DEVICE";

    public static OnnxDevice Device
    {
        get
        {
            if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } name)
            {
                Assert.Ignore($"This test needs a device other than the processor, named by {Variable}.");
                return OnnxDevice.Cpu;
            }

            return OnnxDevice.Parse(name);
        }
    }
}
