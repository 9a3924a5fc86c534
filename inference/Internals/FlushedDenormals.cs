using System.Runtime.InteropServices;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// Lets this thread take denormal numbers for zero until disposed, as the threads of sessions with the options of
/// <see cref="OnnxDevice.CreateSessionOptions"/> do. A thread that calls such a session computes a part of the result, but ONNX
/// Runtime changes only the one that makes the first session of a process, for good, and those that are started from it inherit
/// the mode; which part falls to the others is chance, and with it the last bits of a result. Therefore around every run, and
/// around the making of every session, after which the thread is as it was. Does nothing elsewhere than on x64 under Linux or Windows.
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

    /// <summary>Begins.</summary>
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

    /// <summary>Ends.</summary>
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
