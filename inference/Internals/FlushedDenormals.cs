using System.Runtime.InteropServices;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// Makes this thread treat denormal numbers as zero until disposed, as the threads of sessions with the options of
/// <see cref="OnnxDevice.CreateSessionOptions"/> do. A thread that calls such a session computes part of the result itself, but ONNX
/// Runtime sets the mode only on the thread that creates the first session of a process, permanently, and threads started from it inherit
/// it; which part other threads compute is chance, and so are the last bits of a result. It is therefore used around every run and
/// every session creation, and restores the thread's mode afterwards. Has no effect except on x64 under Linux or Windows.
/// </summary>
internal readonly ref struct FlushedDenormals
{
    private const uint FlushToZero = 0x8000, DenormalsAreZero = 0x0040; // bits of MXCSR
    private const string MathLibrary = "libm.so.6";
    private const uint WindowsFlush = 0x0100_0000, WindowsMask = 0x0300_0000; // _DN_FLUSH, _MCW_DN

    private static readonly bool IsX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly bool IsLinux = IsX64 && OperatingSystem.IsLinux() && NativeLibrary.TryLoad(MathLibrary, out _);
    private static readonly bool IsWindows = IsX64 && OperatingSystem.IsWindows();

    private readonly FloatingPointEnvironment before;
    private readonly uint beforeOnWindows;

    private FlushedDenormals(FloatingPointEnvironment before, uint beforeOnWindows) => (this.before, this.beforeOnWindows) = (before, beforeOnWindows);

    /// <summary>Starts flushing denormals on the calling thread.</summary>
    public static FlushedDenormals OnThisThread()
    {
        var before = default(FloatingPointEnvironment);
        uint beforeOnWindows = 0;
        if (IsLinux)
        {
            _ = GetEnvironment(ref before);
            var flushed = before;
            flushed.Mxcsr |= FlushToZero | DenormalsAreZero;
            _ = SetEnvironment(ref flushed);
        }
        else if (IsWindows)
        {
            _ = Control(out beforeOnWindows, 0, 0);
            _ = Control(out _, WindowsFlush, WindowsMask);
        }

        return new FlushedDenormals(before, beforeOnWindows);
    }

    /// <summary>Restores the thread's previous mode.</summary>
    public void Dispose()
    {
        if (IsLinux)
        {
            var environment = before;
            _ = SetEnvironment(ref environment);
        }
        else if (IsWindows)
        {
            _ = Control(out _, beforeOnWindows, WindowsMask);
        }
    }

    [DllImport(MathLibrary, EntryPoint = "fegetenv")]
    private static extern int GetEnvironment(ref FloatingPointEnvironment environment);

    [DllImport(MathLibrary, EntryPoint = "fesetenv")]
    private static extern int SetEnvironment(ref FloatingPointEnvironment environment);

    [DllImport("ucrtbase.dll", EntryPoint = "_controlfp_s")]
    private static extern int Control(out uint current, uint control, uint mask);

    // glibc's fenv_t on x86-64.
    [StructLayout(LayoutKind.Explicit, Size = 32)]
    private struct FloatingPointEnvironment
    {
        [FieldOffset(28)]
        public uint Mxcsr;
    }
}
