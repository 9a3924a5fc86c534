using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OnnxVae.Tests.Support;

/// <summary>How the thread of a test treats denormal numbers.</summary>
internal static class Denormals
{
    /// <summary>A number whose square is denormal.</summary>
    public static float RootOfOne => 1e-21f;

    /// <summary>Whether this thread computes with them.</summary>
    public static bool Exist => Square(RootOfOne) > 0;

    /// <summary>Makes this thread compute with them, whatever sessions were made on it or on the thread that started it.</summary>
    public static void Restore()
    {
        Assume.That(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "the mode is restored as on Linux");
        Assert.That(SetEnvironment(DefaultEnvironment), Is.Zero);
        Assert.That(Exist, Is.True);
    }

    // By the processor, when it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Square(float x) => x * x;

    private const nint DefaultEnvironment = -1; // FE_DFL_ENV

    [DllImport("libm.so.6", EntryPoint = "fesetenv")]
    private static extern int SetEnvironment(nint environment);
}
