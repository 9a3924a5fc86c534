using System.Diagnostics;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Packaging;

/// <summary>The libraries as packages, under a version of their own, and applications outside the solution that take them.</summary>
[SetUpFixture]
internal sealed class PackageFeed
{
    private static readonly TemporaryFolder Folder = new();

    /// <summary>Packages are cached by version.</summary>
    public static string Version { get; } = $"0.1.0-test.{DateTime.UtcNow:yyyyMMddHHmmss}";

    private static string Configuration => AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";

    /// <summary>A file of the feed.</summary>
    public static string FileOf(string name) => Folder[$"feed/{name}"];

    [OneTimeSetUp]
    public void Pack()
    {
        foreach (string project in (string[])["inference", "inference/DependencyInjection", "inference/ImageSharp", "inference/SkiaSharp", "exporters/Format", "exporters", "exporters/OnnxRuntimeTraining", "models", "training", "training/Audio", "training/Tables", "training/TensorBoard"])
        {
            DotNet(Repository.Root, "pack", project, "--no-build", "-c", Configuration, $"-p:Version={Version}", "-o", Folder["feed"]);
        }
    }

    [OneTimeTearDown]
    public void Delete()
    {
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (string cached in Directory.EnumerateDirectories(packages, "onnxvae.*").Select(package => Path.Combine(package, Version)).Where(Directory.Exists))
        {
            Directory.Delete(cached, recursive: true);
        }

        Folder.Dispose();
    }

    /// <summary>Writes the project of an application that takes packages from the feed.</summary>
    /// <param name="folder">The application's folder.</param>
    /// <param name="program">Its code.</param>
    /// <param name="packages">The packages, with versions.</param>
    public static void WriteApplication(string folder, string program, params IEnumerable<(string Name, string Version)> packages) => WriteApplication(folder, "net10.0", program, packages);

    /// <summary>The same for another framework; the application runs on a later one where that is all there is.</summary>
    /// <param name="folder">The application's folder.</param>
    /// <param name="framework">The framework.</param>
    /// <param name="program">Its code.</param>
    /// <param name="packages">The packages, with versions.</param>
    public static void WriteApplication(string folder, string framework, string program, IEnumerable<(string Name, string Version)> packages)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program);
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""<configuration><packageSources><add key="built" value="{Folder["feed"]}" /></packageSources></configuration>""");
        File.WriteAllText(Path.Combine(folder, "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>{framework}</TargetFramework>
                <RollForward>Major</RollForward>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningsNotAsErrors>NU1603;NU1901;NU1902;NU1903;NU1904</WarningsNotAsErrors>
                <InvariantGlobalization>true</InvariantGlobalization>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                {string.Join("\n    ", packages.Select(package => $"""<PackageReference Include="{package.Name}" Version="{package.Version}" />"""))}
              </ItemGroup>
            </Project>
            """);
    }

    /// <summary>Runs the .NET command line, which has to succeed.</summary>
    public static void DotNet(string folder, params string[] arguments) => Execute(folder, "dotnet", [.. arguments, "-nodeReuse:false"]);

    /// <summary>Runs a program, which has to succeed.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public static string Execute(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("MSBuildSDKsPath"); // of the process that runs the tests
        start.Environment.Remove("MSBUILD_EXE_PATH");
        start.Environment.Remove("MSBuildExtensionsPath");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {output}{errors.Result}");
        return output;
    }
}
