using System.Diagnostics;

namespace OnnxVae.Tests.Support;

/// <summary>Pipes with names, of which whatever reads them waits for a writer.</summary>
internal static class NamedPipe
{
    /// <summary>Puts one in the place of a file.</summary>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("Pipes with names in folders are those of Unix.");
        }

        File.Delete(path);
        using var make = Process.Start("mkfifo", path);
        make.WaitForExit();
        Assert.That(make.ExitCode, Is.Zero);
    }
}
