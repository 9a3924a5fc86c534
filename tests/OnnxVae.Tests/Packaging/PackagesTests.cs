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

    [TestCase("OnnxVae.Inference", "net8.0", "net10.0")]
    [TestCase("OnnxVae.Inference.DependencyInjection", "net8.0", "net10.0")]
    [TestCase("OnnxVae.Inference.ImageSharp", "net8.0", "net10.0")]
    [TestCase("OnnxVae.Inference.SkiaSharp", "net8.0", "net10.0")]
    [TestCase("OnnxVae.Format", "net10.0")]
    [TestCase("OnnxVae.Exporters", "net10.0")]
    [TestCase("OnnxVae.Models", "net10.0")]
    [TestCase("OnnxVae.Training", "net10.0")]
    public void Package_HoldsLibraryDocumentationAndReadme(string name, params string[] frameworks)
    {
        using var package = ZipFile.OpenRead(PackageFeed.FileOf($"{name}.{PackageFeed.Version}.nupkg"));
        using var symbols = ZipFile.OpenRead(PackageFeed.FileOf($"{name}.{PackageFeed.Version}.snupkg"));
        using var nuspec = new StreamReader(package.GetEntry($"{name}.nuspec")!.Open());
        string description = nuspec.ReadToEnd();

        Assert.That(
            package.Entries.Select(entry => entry.FullName),
            Is.SupersetOf((string[])["README.md", .. frameworks.SelectMany(framework => (string[])[$"lib/{framework}/{name}.dll", $"lib/{framework}/{name}.xml"])]));
        Assert.That(symbols.Entries.Select(entry => entry.FullName), Is.SupersetOf(frameworks.Select(framework => $"lib/{framework}/{name}.pdb")));
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

    // On .NET 8, whose applications are also those of the pictures.
    [Test]
    public void Application_OfThePicturePackages_ShowsTheSameImageWithBoth()
    {
        const string program =
            """
            using OnnxVae.Inference;
            using OnnxVae.Inference.ImageSharp;
            using OnnxVae.Inference.SkiaSharp;
            using SixLabors.ImageSharp;
            using SkiaSharp;
            using var vae = TrainedVae.Load(args[0]);
            float[] images = vae.Decoder.Generate(count: 2, seed: 1);
            using SKBitmap bitmap = vae.Decoder.Metadata.ToBitmaps(images)[1];
            using Image picture = vae.Decoder.Metadata.ToPictures(images)[1];
            byte[] one = bitmap.ToPixels(vae.Encoder.Metadata), other = picture.ToPixels(vae.Encoder.Metadata);
            Console.Write($"{one.SequenceEqual(other)} {vae.Encoder.Encode(one).Mean.Length}");
            """;
        PackageFeed.WriteApplication(Folder["pictures"], "net8.0", program,
        [
            ("OnnxVae.Inference.SkiaSharp", PackageFeed.Version), ("OnnxVae.Inference.ImageSharp", PackageFeed.Version), ("Microsoft.ML.OnnxRuntime", OnnxRuntimeVersion),
            ("SkiaSharp.NativeAssets.Linux.NoDependencies", Property("SkiaSharpVersion")),
        ]);

        PackageFeed.DotNet(Folder["pictures"], "build", "-c", "Release", "-o", Folder["built pictures"]);

        Assert.That(PackageFeed.Execute(Folder["pictures"], "dotnet", Folder["built pictures/app.dll"], Models.Export("conv")), Is.EqualTo("True 4"));
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
        TestContext.Out.WriteLine($"The native application takes {megabytes:0.0} MB, next to ONNX Runtime.");
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
