using System.Formats.Tar;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using SkiaSharp;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests.Cli;

/// <summary>A model is named by its run, its exported files or one of them; images by number, name or file; and outputs are called like their sources.</summary>
internal sealed class PathsTests : FolderFixture
{
    private static readonly TemporaryFolder Trained = new();

    [OneTimeSetUp]
    public void Train()
    {
        WriteImages(Trained["data/cat"], 12);
        WriteImages(Trained["data/dog"], 12);
        Support.Cli.Succeed(
            "train", "--data", Trained["data"], "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--steps", "4", "--importance-samples", "0", "--out", Trained["run"]);
    }

    [OneTimeTearDown]
    public void Delete() => Trained.Dispose();

    [TestCase("run")]
    [TestCase("run/export")]
    [TestCase("run/export/decoder.onnx")]
    public void Verbs_TakeARunItsExportsOrAFile(string path)
    {
        string model = Trained[path], encoder = path.EndsWith(".onnx", StringComparison.Ordinal) ? Trained["run/export/encoder.onnx"] : model;

        Support.Cli.Succeed("generate", model, "--count", "2", "--out", Folder["g.npy"]);
        Support.Cli.Succeed("traverse", model, "--out", Folder["t.png"]);
        Support.Cli.Succeed("encode", encoder, "--data", Trained["data"], "--out", Folder["z.npy"]);
        Support.Cli.Succeed("reconstruct", model, "--data", Trained["data"], "--out", Folder["r.npy"]);
        Support.Cli.Succeed("interpolate", model, "--data", Trained["data"], "--out", Folder["i.png"]);
        Support.Cli.Succeed("evaluate", model, "--importance-samples", "0");
        Support.Cli.Succeed("export", model, "--out", Folder["e"]);
        Support.Cli.Succeed("fit", model, "--components", "2");

        Assert.That(Directory.GetFiles(Folder.Path).Select(Path.GetFileName), Is.SupersetOf((string[])["g.npy", "t.png", "z.npy", "r.npy", "i.png"]));
    }

    [Test]
    public void Generate_OfARunWithoutExports_SaysWhatToDo()
    {
        Directory.CreateDirectory(Folder["run"]);
        File.Copy(Trained["run/options.json"], Folder["run/options.json"]);

        var (exitCode, _, error) = Support.Cli.Run("generate", Folder["run"], "--out", Folder["g"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.StartWith($"onnxvae: The run '{Folder["run"]}' has not exported its model yet: train it to its end with 'onnxvae train --resume --out {Folder["run"]}'"));
    }

    [TestCase("png", SKEncodedImageFormat.Png)]
    [TestCase("jpg", SKEncodedImageFormat.Jpeg)]
    [TestCase("webp", SKEncodedImageFormat.Webp)]
    public void Generate_OfOneImage_IsOneFile(string ending, SKEncodedImageFormat format)
    {
        for (int time = 0; time < 2; time++)
        {
            Support.Cli.Succeed("generate", Trained["run"], "--count", "1", "--out", Folder[$"o.{ending}"]);
        }

        using var codec = SKCodec.Create(Folder[$"o.{ending}"]);
        Assert.That((codec.EncodedFormat, codec.Info.Width, codec.Info.Height), Is.EqualTo((format, 8, 8)));
        Assert.That(Directory.GetFileSystemEntries(Folder.Path), Has.Length.EqualTo(1));
    }

    [Test]
    public void Traverse_ToJpeg_DrawsAGrid()
    {
        Support.Cli.Succeed("traverse", Trained["run"], "--out", Folder["t.jpg"]);

        using var codec = SKCodec.Create(Folder["t.jpg"]);
        Assert.That(codec.EncodedFormat, Is.EqualTo(SKEncodedImageFormat.Jpeg));
    }

    [Test]
    public void Reconstruct_ToAFolder_NamesImagesLikeTheirSources()
    {
        File.Copy(Trained["data/cat/00.png"], Folder["00.bmp.png"]);
        CopyTo(Folder["data/a"], Trained["data/cat"], "00.png", "01.png");
        using (var bitmap = SKBitmap.Decode(Trained["data/cat/02.png"]))
        using (var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90))
        {
            File.WriteAllBytes(Folder["data/a/00.jpg"], jpeg.ToArray());
        }

        CopyTo(Folder["data/b"], Trained["data/dog"], "00.png");

        Support.Cli.Succeed("reconstruct", Trained["run"], "--data", Folder["data"], "--split", "all", "--out", Folder["out"]);

        Assert.That(
            Directory.GetFiles(Folder["out"], "*.png", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Folder["out"], file)),
            Is.EquivalentTo((string[])["a/00.png", "a/00.png.png", "a/01.png", "b/00.png"]));
        Assert.That(Support.Cli.Succeed("reconstruct", Trained["run"], "--data", Folder["data"], "--split", "all", "--out", Folder["out"]), Does.StartWith("Nothing was left to do"));
    }

    [Test]
    public void Reconstruct_ToArraysAndArchives_KeepsTheNames()
    {
        CopyTo(Folder["data"], Trained["data/cat"], "00.png", "01.png", "02.png");

        Support.Cli.Succeed("reconstruct", Trained["run"], "--data", Folder["data"], "--split", "all", "--out", Folder["r.npy"]);
        Support.Cli.Succeed("reconstruct", Trained["run"], "--data", Folder["data"], "--split", "all", "--out", Folder["r.tar"]);

        Assert.That(File.ReadAllLines(Folder["r.npy.names.txt"]), Is.EqualTo((string[])["00.png", "01.png", "02.png"]));
        var entries = new Dictionary<string, string>();
        using var tar = new TarReader(File.OpenRead(Folder["r-000000.tar"]));
        while (tar.GetNextEntry() is { } entry)
        {
            entries[entry.Name] = entry.Name.EndsWith(".txt", StringComparison.Ordinal) ? new StreamReader(entry.DataStream!).ReadToEnd() : "";
        }

        Assert.That(entries.Keys, Is.EqualTo((string[])["00000000.png", "00000000.txt", "00000001.png", "00000001.txt", "00000002.png", "00000002.txt"]));
        Assert.That(entries["00000001.txt"], Is.EqualTo("01.png"));
    }

    [Test]
    public void Reconstruct_OfArchiveWithNamesThatLeadOut_StaysInItsFolder()
    {
        Directory.CreateDirectory(Folder["out"]);
        using (var tar = new TarWriter(File.Create(Folder["evil.tar"])))
        {
            foreach (string name in (string[])["../../up.png", "a/../../b.png", "c\u001b[31m.png"])
            {
                using var content = File.OpenRead(Trained["data/cat/00.png"]);
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content });
            }
        }

        var (exitCode, output, error) = Support.Cli.Run("reconstruct", Trained["run"], "--data", Folder["evil.tar"], "--split", "all", "--out", Folder["out/here"]);

        Assert.That(exitCode, Is.Zero, error);
        Assert.That(Directory.GetFiles(Folder.Path, "*.png", SearchOption.AllDirectories), Has.Length.EqualTo(3).And.All.StartsWith(Folder["out/here"]));
        Assert.That(output + error, Does.Not.Contain("\u001b"));
    }

    [Test]
    public void Interpolate_BetweenNamesAndFiles_SaysWhichWereTaken()
    {
        string byName = Support.Cli.Succeed("interpolate", Trained["run"], "--data", Trained["data"], "--split", "all", "--from", "cat/03.png", "--to", "dog/05.png", "--out", Folder["names.npy"]);
        string byFile = Support.Cli.Succeed("interpolate", Trained["run"], "--from", Trained["data/cat/03.png"], "--to", Trained["data/dog/05.png"], "--out", Folder["files.npy"]);
        Support.Cli.Succeed("traverse", Trained["run"], "--image", Trained["data/cat/03.png"], "--out", Folder["file.npy"]);
        Support.Cli.Succeed("traverse", Trained["run"], "--data", Trained["data"], "--split", "all", "--image", "3", "--out", Folder["number.npy"]);

        Assert.That(byName, Does.StartWith("Interpolated from cat/03.png to dog/05.png"));
        Assert.That(byFile, Does.StartWith($"Interpolated from {Trained["data/cat/03.png"]} to {Trained["data/dog/05.png"]}"));
        Assert.That(File.ReadAllBytes(Folder["files.npy"]), Is.EqualTo(File.ReadAllBytes(Folder["names.npy"])));
        Assert.That(File.ReadAllBytes(Folder["number.npy"]), Is.EqualTo(File.ReadAllBytes(Folder["file.npy"])));
    }

    [Test]
    public void Interpolate_FromANameThatSeveralImagesHave_AsksForTheFolder()
    {
        var (exitCode, _, error) = Support.Cli.Run("interpolate", Trained["run"], "--data", Trained["data"], "--split", "all", "--from", "00.png", "--out", Folder["i.png"]);

        Assert.That((exitCode, error), Is.EqualTo((2, "onnxvae: --from is '00.png', and 2 images have that name: give the folder too, as in 'cat/00.png'.\n")));
    }

    [Test]
    public void Compile_PrintsATrainingThatCanBePasted()
    {
        string next = Support.Cli.Succeed("compile", "--data", Trained["data"], "--image-size", "6", "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--steps", "3", "--out", Folder["package"])
            .Split('\n').Single(line => line.StartsWith("Next", StringComparison.Ordinal))["Next      onnxvae ".Length..];

        Assert.That(next, Is.EqualTo($"train --package {Folder["package"]} --data {Trained["data"]} --image-size 6 --steps 3"));
        Support.Cli.Succeed([.. next.Split(' '), "--importance-samples", "0", "--out", Folder["run"]]);
    }

    [Test]
    public void Inspect_OfExportedFiles_SaysToNameOne() =>
        Assert.That(Support.Cli.Run("inspect", Trained["run/export"]).Error, Does.Match(@"^onnxvae: '.*export' holds exported models and no training package: name one of them, as in '.*\.onnx'\."));

    [Test]
    public void Classifier_OfLatentsThatAreNumbers_PrintsNoCommandThatCannotWork()
    {
        string output = Support.Cli.Succeed("classifier", Trained["run"], "--model", "mlp", "--hidden", "8", "--steps", "3");

        Assert.That(output, Does.Contain("accuracy").And.Not.Contain("Next"));
    }

    [Test]
    public void Fit_OfMoreComponentsThanImages_NamesTheOption() =>
        Assert.That(Support.Cli.Run("fit", Trained["run"]).Error, Does.Match(@"^onnxvae: --components is 50, but there are \d+ images to fit them to: give fewer components\."));

    [Test]
    public void Encode_OfASingleFile_TakesIt()
    {
        Support.Cli.Succeed("encode", Trained["run"], "--data", Trained["data/cat/03.png"], "--out", Folder["z.npy"]);

        Assert.That(Npy.Read(File.ReadAllBytes(Folder["z.npy"]), "z.npy").Shape, Is.EqualTo((long[])[1, 2, 2]));
        Assert.That(File.ReadAllLines(Folder["z.npy.names.txt"]), Is.EqualTo((string[])["03.png"]));
    }

    [Test]
    public void Verbs_SayWhatTheyPassedOver()
    {
        CopyTo(Folder["data"], Trained["data/cat"], "00.png", "01.png");
        File.WriteAllText(Folder["data/evil\u001b[2J.txt"], "");
        File.WriteAllText(Folder["data/.hidden.png"], "");

        var (_, output, error) = Support.Cli.Run("encode", Trained["run"], "--data", Folder["data"], "--out", Folder["z.npy"]);

        Assert.That(error, Does.Contain($"Skipped in '{Folder["data"]}': 1 .txt file (not an image format that is read), 1 hidden file."));
        Assert.That(output + error, Does.Not.Contain("\u001b"));
    }

    private static void CopyTo(string folder, string from, params string[] names)
    {
        Directory.CreateDirectory(folder);
        Array.ForEach(names, name => File.Copy(Path.Combine(from, name), Path.Combine(folder, name)));
    }
}
