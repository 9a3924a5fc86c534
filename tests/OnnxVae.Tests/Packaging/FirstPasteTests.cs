using System.Text.RegularExpressions;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Packaging;

/// <summary>The README's first example as a user tries it: pasted into a fresh project with the packages that the README names, and started twice.</summary>
[NonParallelizable]
internal sealed partial class FirstPasteTests : FolderFixture
{
    private static string Readme => File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    private static string Example => Readme.Split("```csharp\n")[1].Split("```")[0];

    private static (string Name, string Version)[] Packages =>
        [.. PackageLine().Matches(Readme).Select(line => (line.Groups["name"].Value, line.Groups["version"] is { Success: true } version ? version.Value : PackageFeed.Version))];

    [TestCase(false)]
    [TestCase(true)]
    public void Example_InAFreshProject_RunsTwice_WithTheSameBytes(bool hasRuntimeIdentifier)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("The README names the packages of Linux.");
        }

        string[] platform = hasRuntimeIdentifier ? ["-r", System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier, "--no-self-contained"] : [];
        PackageFeed.WriteApplication(Folder["app"], Example, Packages);
        PackageFeed.DotNet(Folder["app"], ["build", "-c", "Release", "-o", Folder["built"], .. platform]);

        string first = Run("one"), again = Run("one"), other = Run("two");

        Assert.That(Packages.Select(package => package.Name), Does.Contain("libtorch-cpu-linux-x64"));
        Assert.That(first, Does.Match(@"\rstep 1, loss \d+\.\d ").And.Match(@"\rstep 500, loss \d+\.\d $").And.Not.Contain("NaN"));
        Assert.That(LossAtTheEnd(first), Is.LessThan(0.2 * double.Parse(LossAtStart().Match(first).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.That(again, Is.EqualTo(first[first.LastIndexOf('\r')..]), "what is finished stays as it is");
        Assert.That(LossAtTheEnd(other), Is.EqualTo(LossAtTheEnd(first)));
        foreach (string file in (string[])["run/checkpoints/000000500.safetensors", "export/encoder.onnx", "export/decoder.onnx"])
        {
            Assert.That(File.ReadAllBytes(Folder[$"two/{file}"]), Is.EqualTo(File.ReadAllBytes(Folder[$"one/{file}"])), file);
        }
    }

    // TorchSharp itself, before anything of this project is used.
    [Test]
    public void Application_ThatBeginsWithTorchSharp_FindsItsNativeLibrary()
    {
        PackageFeed.WriteApplication(
            Folder["app"], "using TorchSharp;\nConsole.Write(torch.ones(2).sum().item<float>());\n",
            Packages.Where(package => package.Name is "OnnxVae.Models" || package.Name.StartsWith("libtorch", StringComparison.Ordinal)));

        PackageFeed.DotNet(Folder["app"], "build", "-c", "Release", "-o", Folder["built"]);

        Assert.That(Run("here"), Is.EqualTo("2"));
    }

    private string Run(string folder)
    {
        Directory.CreateDirectory(Folder[folder]);
        return PackageFeed.Execute(Folder[folder], "dotnet", Folder["built/app.dll"]);
    }

    private static double LossAtTheEnd(string output) => double.Parse(output[(output.LastIndexOf(' ', output.Length - 2) + 1)..], System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"loss (\d+\.\d)")]
    private static partial Regex LossAtStart();

    [GeneratedRegex(@"^dotnet add package (?<name>\S+)(?: --version (?<version>\S+))?$", RegexOptions.Multiline)]
    private static partial Regex PackageLine();
}
