using System.Runtime.InteropServices;

namespace OnnxVae.Inference;

/// <summary>
/// The libraries that ONNX Runtime's CUDA provider loads. The runtime names none of them when it fails, and misses cuDNN only at the first convolution.
/// </summary>
public static class CudaLibraries
{
    private const int CudaVersion = 13, CudnnVersion = 9, RandomVersion = 10;

    /// <summary>What to install.</summary>
    public static string Advice =>
        $"Install NVIDIA's driver, CUDA {CudaVersion} and cuDNN {CudnnVersion}, and put the folders of their libraries on {(OperatingSystem.IsWindows() ? "PATH" : "LD_LIBRARY_PATH")}.";

    /// <summary>The libraries by file name, and what each belongs to.</summary>
    public static IReadOnlyList<(string File, string Part)> All { get; } = OperatingSystem.IsWindows()
        ?
        [
            ("nvcuda.dll", "the NVIDIA driver"),
            ($"cudart64_{CudaVersion}.dll", $"CUDA {CudaVersion}"),
            ($"cublas64_{CudaVersion}.dll", $"CUDA {CudaVersion}"),
            ($"cublasLt64_{CudaVersion}.dll", $"CUDA {CudaVersion}"),
            ($"curand64_{RandomVersion}.dll", $"CUDA {CudaVersion}"),
            ($"cudnn64_{CudnnVersion}.dll", $"cuDNN {CudnnVersion}"),
        ]
        :
        [
            ("libcuda.so.1", "the NVIDIA driver"),
            ($"libcudart.so.{CudaVersion}", $"CUDA {CudaVersion}"),
            ($"libcublas.so.{CudaVersion}", $"CUDA {CudaVersion}"),
            ($"libcublasLt.so.{CudaVersion}", $"CUDA {CudaVersion}"),
            ($"libcurand.so.{RandomVersion}", $"CUDA {CudaVersion}"),
            ($"libcudnn.so.{CudnnVersion}", $"cuDNN {CudnnVersion}"),
        ];

    /// <summary>Which are missing, and what to install, as a sentence; null if all are there.</summary>
    public static string? Fault => Missing() is [_, ..] missing ? $"{string.Join(", ", missing)} {(missing.Count == 1 ? "is" : "are")} missing. {Advice}" : null;

    /// <summary>Those that the loader does not find, each with what it belongs to.</summary>
    public static IReadOnlyList<string> Missing() => [.. All.Where(library => !IsFound(library.File)).Select(library => $"{library.File} ({library.Part})")];

    /// <summary>Whether the loader finds a library, where it looks for those of an application.</summary>
    /// <param name="file">The library's file name.</param>
    public static bool IsFound(string file)
    {
        bool isFound = NativeLibrary.TryLoad(file, out nint handle);
        if (isFound)
        {
            NativeLibrary.Free(handle);
        }

        return isFound;
    }
}
