using OnnxVae.Exporters.Modules;
using TorchSharp;

namespace OnnxVae.Tests;

[SetUpFixture]
internal sealed class TorchSetUp
{
    [OneTimeSetUp]
    public void LoadTorch()
    {
        TorchNativeLibrary.Prepare();
        torch.set_num_threads(2);
    }
}
