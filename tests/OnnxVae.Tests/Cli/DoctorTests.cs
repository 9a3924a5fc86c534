using OnnxVae.Inference;

namespace OnnxVae.Tests.Cli;

/// <summary>What <c>doctor</c> and <c>--device</c> say of devices, in a build for the processor and in one for CUDA without a GPU.</summary>
internal sealed class DoctorTests
{
    private const string Cuda = "cuda";

    private static string[] Lines => Support.Cli.Succeed("doctor").Split('\n');

    [Test]
    public void Doctor_NamesTheProvidersOfThisBuild()
    {
        string runtime = Lines.Single(line => line.StartsWith("ONNX Runtime", StringComparison.Ordinal));
        Assert.That(runtime, Is.EqualTo($"ONNX Runtime  {OnnxDevice.RuntimeVersion}, providers {string.Join(", ", OnnxDevice.Available)}"));
        Assert.That(runtime, Does.EndWith(Environment.GetEnvironmentVariable("ONNXVAE_PROVIDERS") ?? "cpu"));
    }

    [Test]
    public void Doctor_SaysWhatCudaNeeds()
    {
        string line = Lines.Single(line => line.StartsWith(Cuda, StringComparison.Ordinal));
        if (!OnnxDevice.Available.Contains(Cuda))
        {
            Assert.That(line, Is.EqualTo($"cuda          not in this ONNX Runtime: build onnxvae with -p:Gpu=true. {CudaLibraries.Advice}"));
            return;
        }

        string[] missing = [.. CudaLibraries.Missing()];
        Assert.That(line, missing.Length == 0 ? Is.EqualTo("cuda          works") : Does.EndWith(CudaLibraries.Advice));
        foreach (string library in missing)
        {
            Assert.That(line, Does.Contain(library));
        }
    }

    [Test]
    public void DeviceThatCannotStart_SaysWhatIsMissing_EachTime()
    {
        for (int attempt = 0; attempt < 2; attempt++)
        {
            if (!OnnxDevice.Available.Contains(Cuda))
            {
                Assert.That(() => new OnnxDevice(Cuda).Start(), Throws.ArgumentException.With.Message.StartsWith("Device 'cuda' is not available: this ONNX Runtime has "));
            }
            else if (CudaLibraries.Fault is { } fault)
            {
                Assert.That(() => new OnnxDevice(Cuda).Start(), Throws.InvalidOperationException.With.Message.EqualTo($"Device 'cuda' cannot start: {fault}"));
                Assert.That(CudaLibraries.Missing().Where(library => !fault.Contains(library, StringComparison.Ordinal)), Is.Empty);
            }
            else
            {
                Assert.That(() => new OnnxDevice(Cuda).Start(), Throws.Nothing);
            }
        }
    }

    [Test]
    public void CudaLibraries_AreOfOneMajorVersion() =>
        Assert.That(CudaLibraries.All.Select(library => library.Part).Distinct(), Is.EqualTo((string[])["the NVIDIA driver", "CUDA 13", "cuDNN 9"]));

    [TestCase("cpu", "cpu")]
    [TestCase("CPU", "cpu")]
    [TestCase("CPUExecutionProvider", "cpu")]
    public void Parse_TakesNamesAsTheRuntimeSpellsThem(string text, string provider) => Assert.That(OnnxDevice.Parse(text), Is.EqualTo(new OnnxDevice(provider)));
}
