using System.Runtime.InteropServices;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;
using SkiaSharp;
using TorchSharp;

namespace OnnxVae.Cli.Verbs.Doctor;

/// <summary>Shows what is installed and what is missing.</summary>
[Verb("doctor", VerbTopic.Look, "Says which native libraries are in use and what to do about missing ones.", Example = "doctor")]
internal sealed class DoctorVerb : Verb<DoctorOptions>
{
    private const string Cuda = "cuda";

    protected override Task<int> RunAsync(DoctorOptions options)
    {
        Console.WriteLine($"system        {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} logical processors");
        Console.WriteLine($".NET          {RuntimeInformation.FrameworkDescription}");
        bool hasRuntime = Check("ONNX Runtime", () => $"{OnnxDevice.RuntimeVersion}, providers {string.Join(", ", OnnxDevice.Available)}",
            "The native library is missing: reference Microsoft.ML.OnnxRuntime or another of its packages.");
        bool healthy = hasRuntime & Check("TorchSharp", Torch,
            "It is needed to compile models, not to train packages or to serve: reference the libtorch package of this system.");
        healthy &= Check("SkiaSharp", () => $"{SKImageInfo.PlatformColorType} pixels",
            "It is needed for image files and grids: on Linux reference SkiaSharp.NativeAssets.Linux.NoDependencies.");
        if (hasRuntime)
        {
            ShowProviders();
        }

        return Task.FromResult(healthy ? ExitCode.Done : ExitCode.Failed);
    }

    private static void ShowProviders()
    {
        foreach (string provider in OnnxDevice.Available.Where(provider => provider != OnnxDevice.Cpu.Provider))
        {
            Console.WriteLine($"{provider,-13} {StateOf(new OnnxDevice(provider))}");
        }

        if (!OnnxDevice.Available.Contains(Cuda))
        {
            Console.WriteLine($"{Cuda,-13} not in this ONNX Runtime: build onnxvae with -p:Gpu=true. {CudaLibraries.Advice}");
        }
    }

    private static string StateOf(OnnxDevice device)
    {
        try
        {
            device.Start();
            return device.Provider == Cuda && CudaLibraries.Fault is { } fault ? $"starts, but {fault}" : "works"; // cuDNN is missed only at the first convolution
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or InvalidDataException or InsufficientMemoryException)
        {
            return Explanation.OneLine(e.Message);
        }
    }

    private static string Torch()
    {
        using var two = torch.ones(2).sum();
        return $"{typeof(torch).Assembly.GetName().Version!.ToString(3)} with libtorch {torch.__version__}, {(torch.cuda.is_available() ? "CUDA" : "processor only")}, ones(2).sum() = {two.item<float>()}";
    }

    private static bool Check(string name, Func<string> probe, string advice)
    {
        try
        {
            Console.WriteLine($"{name,-13} {probe()}");
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or NotSupportedException or EntryPointNotFoundException)
        {
            Console.WriteLine($"{name,-13} MISSING. {advice} ({e.GetBaseException().Message.Split('\n')[0]})");
            return false;
        }
    }
}
