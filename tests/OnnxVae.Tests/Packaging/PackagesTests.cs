using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Packaging;

/// <summary>Packages, and applications made of them outside the solution.</summary>
[NonParallelizable]
internal sealed class PackagesTests
{
    private const string Program =
        """
        using OnnxVae.Inference;
        using var decoder = VaeDecoder.Load(args[0]);
        float[] images = decoder.Generate(count: 16, seed: 1);
        Console.WriteLine($"{decoder.Metadata.Channels} x {decoder.Metadata.Height} x {decoder.Metadata.Width}");
        Console.WriteLine(string.Join(' ', images.Take(20).Select(BitConverter.SingleToInt32Bits)));
        """;

    private static readonly TemporaryFolder Folder = new();
    private static readonly ExportedModels Models = new();

    private static string OnnxRuntimeVersion => Property("OnnxRuntimeVersion");

    private static string Property(string name) => XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants(name).Single().Value;

    private static string Runtime => RuntimeInformation.RuntimeIdentifier;

    [OneTimeSetUp]
    public void WriteApplication() => PackageFeed.WriteApplication(
        Folder["app"], Program, ("OnnxVae.Inference", PackageFeed.Version), ("Microsoft.ML.OnnxRuntime", OnnxRuntimeVersion));

    [OneTimeTearDown]
    public void Delete()
    {
        Folder.Dispose();
        Models.Dispose();
    }

    [TestCase("OnnxVae.Inference")]
    [TestCase("OnnxVae.Inference.DependencyInjection")]
    [TestCase("OnnxVae.Format")]
    [TestCase("OnnxVae.Exporters")]
    [TestCase("OnnxVae.Models")]
    [TestCase("OnnxVae.Training")]
    public void Package_HoldsLibraryDocumentationAndReadme(string name)
    {
        using var package = ZipFile.OpenRead(PackageFeed.FileOf($"{name}.{PackageFeed.Version}.nupkg"));
        using var symbols = ZipFile.OpenRead(PackageFeed.FileOf($"{name}.{PackageFeed.Version}.snupkg"));
        using var nuspec = new StreamReader(package.GetEntry($"{name}.nuspec")!.Open());
        string description = nuspec.ReadToEnd();

        Assert.That(
            package.Entries.Select(entry => entry.FullName),
            Is.SupersetOf((string[])["README.md", $"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml"]));
        Assert.That(symbols.Entries.Select(entry => entry.FullName), Does.Contain($"lib/net10.0/{name}.pdb"));
        Assert.That(description, Does.Contain("<license type=\"expression\">MIT</license>").And.Contain("<readme>README.md</readme>").And.Contain("<repository type=\"git\""));
        Assert.That(description, Does.Not.Contain("Package Description"));
    }

    [Test]
    public void Application_OfTheInferencePackage_DecodesInFewLinesAndNeedsOnlyOnnxRuntime()
    {
        string decoder = Path.Combine(Models.Export("conv"), "decoder.onnx");

        PackageFeed.DotNet(Folder["app"], "build", "-c", "Release", "-o", Folder["built"]);
        string output = PackageFeed.Execute(Folder["app"], "dotnet", Folder["built/app.dll"], decoder);

        Assert.That(Program.Split('\n'), Has.Length.LessThan(15));
        Assert.That(output, Is.EqualTo(Expected(decoder)));
        var libraries = JsonNode.Parse(File.ReadAllText(Folder["app/obj/project.assets.json"]))!["libraries"]!.AsObject();
        Assert.That(
            libraries.Select(library => library.Key.Split('/')[0]),
            Is.EquivalentTo((string[])["OnnxVae.Inference", "Microsoft.ML.OnnxRuntime", "Microsoft.ML.OnnxRuntime.Managed", "System.Numerics.Tensors"]));
    }

    [Test]
    public void Application_OfTheTrainingPackage_TrainsWithoutWhatCompiles()
    {
        const string program =
            """
            using OnnxVae.Format;
            using OnnxVae.Inference;
            using OnnxVae.Training.Data;
            using OnnxVae.Training.Runs;
            var package = TrainingPackage.Open(args[0]);
            using var trainer = Trainer.StartOrResume(package, new RunFolder(args[1]), new TrainerOptions { Steps = 5, Seed = 1, Device = OnnxDevice.Cpu });
            await trainer.TrainAsync(ImageData.Open("sprites", new ImageOptions { Size = (16, 16) }).Train);
            RunExport.Write(package, trainer.Snapshot(), args[2], provider: "cpu");
            """;
        Support.Cli.Succeed("compile", "--model", "conv", "--image-size", "16", "--batch", "4", "--steps", "5", "--out", Folder["package"]);
        PackageFeed.WriteApplication(
            Folder["trainer"], program, ("OnnxVae.Training", PackageFeed.Version), ("Microsoft.ML.OnnxRuntime", OnnxRuntimeVersion),
            ("SkiaSharp.NativeAssets.Linux.NoDependencies", Property("SkiaSharpVersion")));

        PackageFeed.DotNet(Folder["trainer"], "build", "-c", "Release", "-o", Folder["built trainer"]);
        PackageFeed.Execute(Folder["trainer"], "dotnet", Folder["built trainer/app.dll"], Folder["package"], Folder["run"], Folder["export"]);

        using var decoder = VaeDecoder.Load(Folder["export/decoder.onnx"]);
        Assert.That(decoder.Generate(count: 2, seed: 1), Has.Length.EqualTo(2 * 16 * 16));
        Assert.That(decoder.Metadata.ImagesAtATime, Is.EqualTo(16));
        var libraries = JsonNode.Parse(File.ReadAllText(Folder["trainer/obj/project.assets.json"]))!["libraries"]!.AsObject().Select(library => library.Key.Split('/')[0]).ToArray();
        Assert.That(libraries, Has.Member("OnnxVae.Format").And.Member("OnnxVae.Inference"));
        Assert.That(libraries.Where(name => name.Contains("torch", StringComparison.OrdinalIgnoreCase) || name is "OnnxVae.Exporters" or "OnnxVae.Models"), Is.Empty);
    }

    [Test]
    public void Application_InNativeCode_Runs()
    {
        if (!OperatingSystem.IsLinux() || !(Exists("clang") || Exists("gcc")))
        {
            Assert.Ignore("Native AOT needs a linker: install clang or gcc, and zlib.");
        }

        string decoder = Path.Combine(Models.Export("conv"), "decoder.onnx");

        PackageFeed.DotNet(Folder["app"], "publish", "-c", "Release", "-r", Runtime, "-p:PublishAot=true", "-o", Folder["native"]);

        Assert.That(PackageFeed.Execute(Folder["app"], Folder["native/app"], decoder), Is.EqualTo(Expected(decoder)));
        double megabytes = new FileInfo(Folder["native/app"]).Length / 1e6;
        TestContext.Out.WriteLine($"The native application takes {megabytes:0.0} MB, beside ONNX Runtime.");
        Assert.That(megabytes, Is.LessThan(10));
        Assert.That(Directory.GetFiles(Folder["native"], "OnnxVae*.dll"), Is.Empty);
    }

    private static string Expected(string decoder)
    {
        using var loaded = VaeDecoder.Load(decoder);
        float[] images = loaded.Generate(count: 16, seed: 1);
        var shape = loaded.Metadata;
        return $"{shape.Channels} x {shape.Height} x {shape.Width}\n{string.Join(' ', images.Take(20).Select(BitConverter.SingleToInt32Bits))}\n";
    }

    private static bool Exists(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
