using System.Text.RegularExpressions;
using System.Xml.Linq;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests;

/// <summary>Reads the project files and holds the arrows between them.</summary>
internal sealed class ArchitectureTests
{
    private static readonly string[] NativePackages = ["Microsoft.ML.OnnxRuntime", "Microsoft.ML.OnnxRuntime.Gpu.Linux", "libtorch-cpu-linux-x64", "TorchSharp-cuda-linux"];

    [TestCase("exporters/Format/OnnxVae.Format.csproj", "")]
    [TestCase("exporters/OnnxVae.Exporters.csproj", "OnnxVae.Format")]
    [TestCase("exporters/OnnxRuntimeTraining/OnnxVae.OnnxRuntimeTraining.csproj", "OnnxVae.Format OnnxVae.Exporters")]
    [TestCase("models/OnnxVae.Models.csproj", "OnnxVae.Format OnnxVae.Exporters")]
    [TestCase("inference/OnnxVae.Inference.csproj", "")]
    [TestCase("inference/DependencyInjection/OnnxVae.Inference.DependencyInjection.csproj", "OnnxVae.Inference")]
    [TestCase("inference/ImageSharp/OnnxVae.Inference.ImageSharp.csproj", "OnnxVae.Inference")]
    [TestCase("inference/SkiaSharp/OnnxVae.Inference.SkiaSharp.csproj", "OnnxVae.Inference")]
    [TestCase("training/OnnxVae.Training.csproj", "OnnxVae.Format OnnxVae.Inference")]
    [TestCase("training/Audio/OnnxVae.Training.Audio.csproj", "OnnxVae.Format OnnxVae.Training")]
    [TestCase("training/Tables/OnnxVae.Training.Tables.csproj", "OnnxVae.Format OnnxVae.Inference OnnxVae.Training")]
    [TestCase("training/TensorBoard/OnnxVae.Training.TensorBoard.csproj", "OnnxVae.Training")]
    [TestCase("cli/OnnxVae.Cli.csproj", "OnnxVae.Format OnnxVae.Exporters OnnxVae.OnnxRuntimeTraining OnnxVae.Inference OnnxVae.Models OnnxVae.Training OnnxVae.Training.Audio OnnxVae.Training.Tables OnnxVae.Training.TensorBoard")]
    public void Project_References_OnlyItsArrows(string project, string expected) =>
        Assert.That(References(project, "ProjectReference").Select(Path.GetFileNameWithoutExtension), Is.EquivalentTo(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [TestCase("exporters/Format/OnnxVae.Format.csproj", "Google.Protobuf Grpc.Tools")]
    [TestCase("exporters/OnnxVae.Exporters.csproj", "TorchSharp Google.Protobuf")]
    [TestCase("exporters/OnnxRuntimeTraining/OnnxVae.OnnxRuntimeTraining.csproj", "Google.FlatBuffers")]
    [TestCase("models/OnnxVae.Models.csproj", "MathNet.Numerics System.Numerics.Tensors TorchSharp")]
    [TestCase("inference/OnnxVae.Inference.csproj", "Microsoft.ML.OnnxRuntime.Managed")]
    [TestCase("inference/DependencyInjection/OnnxVae.Inference.DependencyInjection.csproj", "Microsoft.Extensions.DependencyInjection.Abstractions")]
    [TestCase("inference/ImageSharp/OnnxVae.Inference.ImageSharp.csproj", "SixLabors.ImageSharp")]
    [TestCase("inference/SkiaSharp/OnnxVae.Inference.SkiaSharp.csproj", "SkiaSharp")]
    [TestCase("training/OnnxVae.Training.csproj", "SkiaSharp ScottPlot")]
    [TestCase("training/Audio/OnnxVae.Training.Audio.csproj", "NAudio.Core")]
    [TestCase("training/Tables/OnnxVae.Training.Tables.csproj", "Parquet.Net Sep")]
    [TestCase("training/TensorBoard/OnnxVae.Training.TensorBoard.csproj", "Google.Protobuf Grpc.Tools")]
    public void Library_Takes_OnlyItsPackages(string project, string expected)
    {
        var packages = References(project, "PackageReference");

        Assert.That(packages, Is.EquivalentTo(expected.Split(' ')));
        Assert.That(packages.Intersect(NativePackages), Is.Empty);
    }

    [TestCase("OnnxVae.Format")]
    [TestCase("OnnxVae.Exporters")]
    [TestCase("OnnxVae.Inference")]
    [TestCase("OnnxVae.Models")]
    [TestCase("OnnxVae.Training")]
    [TestCase("OnnxVae.Cli", "onnxvae")]
    public void Folders_OfAProject_HaveNoCycle(string project, string? assembly = null)
    {
        var arrows = new NamespaceArrows(Path.Combine(AppContext.BaseDirectory, $"{assembly ?? project}.dll"), project);

        Assert.That(arrows.Cycles, Is.Empty, string.Join('\n', arrows.All));
        string document = File.ReadAllText(Path.Combine(Repository.Root, "docs/architecture.md"));
        if (document.Contains($"\n{project}:\n", StringComparison.Ordinal))
        {
            Assert.That(document, Does.Contain($"{project}:\n\n```\n{arrows.Picture}\n```\n"), "the picture of docs/architecture.md");
        }
    }

    [Test]
    public void Verb_UsesNoOther()
    {
        string verbs = Path.Combine(Repository.Root, "cli/Verbs");
        var uses =
            from file in Directory.EnumerateFiles(verbs, "*.cs", SearchOption.AllDirectories)
            let own = Path.GetRelativePath(verbs, file).Split(Path.DirectorySeparatorChar)[0]
            from Match other in Regex.Matches(File.ReadAllText(file), @"OnnxVae\.Cli\.Verbs\.(\w+)")
            where other.Groups[1].Value != own
            select $"{own} uses {other.Groups[1].Value}";

        Assert.That(Directory.EnumerateDirectories(verbs).Count(), Is.EqualTo(Verb.All().Count), "a folder for each");
        Assert.That(uses, Is.Empty);
    }

    [Test]
    public void Libraries_NameNoOptionOrVerbOfTheCommandLine()
    {
        string verbs = string.Join('|', Verb.All().Select(verb => verb.About.Name));
        var named = new Regex($@"[ '(]--[a-z]|onnxvae ({verbs})\b");

        Assert.That(LibraryLines().Where(line => !line.Text.TrimStart().StartsWith("//", StringComparison.Ordinal) && line.Text.Contains('"', StringComparison.Ordinal) && named.IsMatch(line.Text)), Is.Empty);
    }

    [Test]
    public void Remedies_AreForMessagesThatLibrariesHave()
    {
        string all = string.Join('\n', LibraryLines().Select(line => line.Text));

        Assert.Multiple(() =>
        {
            foreach (string piece in Remedies.Table.SelectMany(remedy => Regex.Split(remedy.Words, @"\{\d\}")))
            {
                Assert.That(all, Does.Contain(piece));
            }
        });
    }

    private static IEnumerable<(string File, string Text)> LibraryLines() => ((string[])["exporters", "models", "training", "inference"])
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .SelectMany(file => File.ReadLines(file).Select(text => (file, text)));

    [Test]
    public void Exporters_KnowNothingAboutVaes() => Assert.That(
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "exporters"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file).Contains("autoencoder", StringComparison.OrdinalIgnoreCase)),
        Is.Empty);

    private static string[] References(string project, string kind) =>
        [.. XDocument.Load(Path.Combine(Repository.Root, project)).Descendants(kind).Select(element => element.Attribute("Include")!.Value)];
}
