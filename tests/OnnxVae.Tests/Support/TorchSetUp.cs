using System.Runtime.InteropServices;
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
        if (!OperatingSystem.IsWindows())
        {
            UseOwnConvolutions();
        }
    }

    // oneDNN, which libtorch 2.10 takes for convolutions, has been seen to compute wrong input gradients where channels do not fill
    // its blocks of 16, on a virtual processor that reports no caches. libtorch's own are right; TorchSharp has no switch for them.
    private static void UseOwnConvolutions() => SetUserEnabledMkldnn(GlobalContext(), enabled: false);

    [DllImport("libtorch_cpu", EntryPoint = "_ZN2at13globalContextEv")]
    private static extern IntPtr GlobalContext();

    [DllImport("libtorch_cpu", EntryPoint = "_ZN2at7Context20setUserEnabledMkldnnEb")]
    private static extern void SetUserEnabledMkldnn(IntPtr context, [MarshalAs(UnmanagedType.I1)] bool enabled);
}
