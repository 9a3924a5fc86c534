using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests.Training;

/// <summary>What belongs to a folder's or an archive's images, and what does not.</summary>
internal sealed class ImageFolderTests : FolderFixture
{
    [TestCase("val")]
    [TestCase("valid")]
    [TestCase("validation")]
    [TestCase("dev")]
    [TestCase("Validation")]
    public void Open_OfValidationSplit_NeitherTrainsNorTestsOnIt(string name)
    {
        WriteImages(Folder["train/cat"], 8);
        WriteImages(Folder["train/dog"], 12);
        WriteImages(Folder[$"{name}/cat"], 3);
        WriteImages(Folder[$"{name}/dog"], 4);

        var data = ImageData.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Test.Count, data.Validation!.Count, data.All.Count), Is.EqualTo((18L, 2L, 7L, 27L)));
        Assert.That(data.Train.Classes, Is.EqualTo((string[])["cat", "dog"]));
        Assert.That(Names(data.Train).Concat(Names(data.Test)), Has.None.StartsWith(name));
        Assert.That(data.Split("validation"), Is.SameAs(data.Validation));
    }

    [Test]
    public void Open_OfSplitsInCapitals_TakesThem()
    {
        WriteImages(Folder["Train/cat"], 4);
        WriteImages(Folder["Train/dog"], 5);
        WriteImages(Folder["Test/cat"], 2);
        WriteImages(Folder["Test/dog"], 1);

        var data = ImageData.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((9L, 3L)));
        Assert.That(data.Train.Classes, Is.EqualTo((string[])["cat", "dog"]));
        Assert.That(Labels(data.Test), Is.EqualTo((int[])[0, 0, 1]));
    }

    [Test]
    public void Open_OfClassCalledDev_IsNotASplitWithoutATrainingSplit()
    {
        WriteImages(Folder["dev"], 10);
        WriteImages(Folder["ops"], 10);

        var data = ImageData.Open(Folder.Path);

        Assert.That(data.Train.Classes, Is.EqualTo((string[])["dev", "ops"]));
        Assert.That(data.Validation, Is.Null);
    }

    [Test]
    public void Open_WhereOneImageLiesInNoClass_SaysThatThereAreNone()
    {
        WriteImages(Folder["data/cat"], 3);
        WriteImages(Folder["data/dog"], 3);
        WriteImages(Folder["data/val"], 2);

        var data = ImageData.Open(Folder["data"], new ImageOptions());

        Assert.That(data.Train.Classes, Is.Empty);
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 set of class folders ('val/00.png' lies in none)"]));
    }

    [Test]
    public void Open_OfATestSplitAlone_SaysThatItIsTakenForAllImages()
    {
        WriteImages(Folder["test/cat"], 10);
        WriteImages(Folder["test/dog"], 10);
        Directory.CreateDirectory(Folder["train/cat"]);

        var data = ImageData.Open(Folder.Path);

        Assert.That(data.All.Count, Is.EqualTo(20));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 split called test (there is no training split, so all images are used as one set)"]));
    }

    [Test]
    public void Split_ThatIsNotThere_SaysSo()
    {
        WriteImages(Folder.Path, 4);

        Assert.That(() => ImageData.Open(Folder.Path).Split("validation"), Throws.ArgumentException.With.Message.StartsWith("The data have no validation split: give train, test or all."));
    }

    [Test]
    public void Open_OfHiddenFilesAndOtherFormats_PassesThemOverAndCountsThem()
    {
        WriteImages(Folder["a"], 8);
        WriteImages(Folder["b"], 8);
        WriteImages(Folder[".ipynb_checkpoints"], 2);
        File.WriteAllBytes(Folder["a/._000.png"], [1, 2, 3]);
        File.Copy(Fixture("grayscale-kinds/one.tif"), Folder["a/one.tif"]);
        File.WriteAllText(Folder["labels.txt"], "cat");
        File.WriteAllText(Folder["notes.txt"], "dog");

        var data = ImageData.Open(Folder.Path);

        Assert.That(data.All.Count, Is.EqualTo(16));
        Assert.That(data.All.Classes, Is.EqualTo((string[])["a", "b"]));
        Assert.That(data.PassedOver, Is.EquivalentTo((string[])
        [
            "1 hidden file", "1 hidden folder", "1 .tif file (not an image format that is read)", "2 .txt files (not an image format that is read)",
        ]));
    }

    [Test]
    public void Open_OfOtherFormatsOnly_SaysWhatWasFound()
    {
        File.Copy(Fixture("grayscale-kinds/one.tif"), Folder["one.tif"]);

        Assert.That(() => ImageData.Open(Folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder.Path}' has no images: expected files .png, .jpg, .jpeg, .webp, .gif, .bmp, or MNIST's IDX files. Found were 1 .tif file (not an image format that is read)."));
    }

    [Test]
    public void Open_OfLinksToFolders_DoesNotFollowThem()
    {
        WriteImages(Folder["images/a"], 5);
        WriteImages(Folder["images/b"], 5);
        Directory.CreateSymbolicLink(Folder["images/loop"], Folder["images"]);
        Directory.CreateSymbolicLink(Folder["images/a/up"], Folder["images"]);

        var data = ImageData.Open(Folder["images"]);

        Assert.That(data.All.Count, Is.EqualTo(10));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["2 linked folders"]));
    }

    [Test]
    public void Open_OfLinkToAnImage_ReadsIt()
    {
        WriteImages(Folder["images"], 3);
        WriteImage(Folder["elsewhere.png"], 1, 8, 8);
        File.CreateSymbolicLink(Folder["images/link.png"], Folder["elsewhere.png"]);

        Assert.That(ImageData.Open(Folder["images"]).All.Count, Is.EqualTo(4));
    }

    [TestCase("dangling", "cannot be read ('{0}/images/x.png' is a broken link)")]
    [TestCase("pipe", "cannot be read ('{0}/images/x.png' is empty, or not a regular file)")]
    [TestCase("device", "cannot be read ('{0}/images/x.png' is empty, or not a regular file)")]
    [TestCase("empty", "cannot be read ('{0}/images/x.png' is empty, or not a regular file)")]
    public void Open_OfWhatIsNotARegularFile_NamesItOrSkipsIt(string kind, string reason)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("Pipes and devices in folders are those of Unix.");
        }

        WriteImages(Folder["images"], 4);
        string file = Folder["images/x.png"];
        switch (kind)
        {
            case "dangling":
                File.CreateSymbolicLink(file, "/nowhere.png");
                break;
            case "pipe":
                NamedPipe.Create(file);
                break;
            case "device":
                File.CreateSymbolicLink(file, "/dev/zero");
                break;
            default:
                File.WriteAllBytes(file, []);
                break;
        }

        Assert.That(() => ImageData.Open(Folder["images"]), Throws.TypeOf<CorruptImageException>().With.Message.StartsWith(
            $"'x.png' {reason.Replace("{0}", Folder.Path, StringComparison.Ordinal)}: remove it"));
        Assert.That(ImageData.Open(Folder["images"], new ImageOptions { SkipCorrupt = true }).All.Count, Is.EqualTo(4));
    }

    [Test]
    public void Open_OfNameThatIsNotUtf8_NamesItOrSkipsIt()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("File names that are not UTF-8 are those of Linux.");
        }

        WriteImages(Folder["images"], 4);
        using (var shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"cp '{Folder["images/00.png"]}' '{Folder["images"]}'/$'caf\\xe9.png'"]))!)
        {
            shell.WaitForExit();
        }

        Assert.That(() => ImageData.Open(Folder["images"]), Throws.TypeOf<CorruptImageException>());
        Assert.That(ImageData.Open(Folder["images"], new ImageOptions { SkipCorrupt = true }).All.Count, Is.EqualTo(4));
        using var delete = Process.Start("rm", ["-r", Folder["images"]]); // .NET does not find it
        delete.WaitForExit();
    }

    [Test]
    public void Open_OfTarWithLinks_FollowsThoseInTheArchive()
    {
        var data = ImageData.Open(Fixture("hard-links.tar"));

        Assert.That(data.All.Count, Is.EqualTo(14));
        Assert.That(data.All.Classes, Is.EqualTo((string[])["a", "b"]));
        int linked = Array.IndexOf([.. Enumerable.Range(0, 14).Select(i => data.All.NameOf(i))], "b/0.png");
        Assert.That(Read(data.All, linked), Is.EqualTo(Read(data.All, 0)));
    }

    [Test]
    public void Open_OfTarWithSymbolicLinks_FollowsThemFromWhereTheyLie()
    {
        WriteImages(Folder["a"], 3);
        using (var tar = new TarWriter(File.Create(Folder["a.tar"])))
        {
            tar.WriteEntry(Folder["a/00.png"], "./a/00.png");
            tar.WriteEntry(Folder["a/01.png"], "./a/01.png");
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "./b/link.png") { LinkName = "../a/00.png" });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "./b/lost.png") { LinkName = "/etc/passwd.png" });
        }

        Assert.That(() => ImageData.Open(Folder["a.tar"]), Throws.TypeOf<CorruptImageException>().With.Message.StartsWith(
            "'b/lost.png' cannot be read (it is a link to '/etc/passwd.png', which does not come before it in the archive): remove it"));
        Assert.That(ImageData.Open(Folder["a.tar"], new ImageOptions { SkipCorrupt = true }).All.Count, Is.EqualTo(3));
    }

    [Test]
    public void Open_OfZip_ReadsTheSamePixelsAsTheFolder()
    {
        var fixture = ImageData.Open(Fixture("folder.zip"));
        WriteImages(Folder["images/a"], 5);
        WriteImages(Folder["images/b"], 6);
        File.WriteAllBytes(Folder["images/._x.png"], [1]);
        ZipFile.CreateFromDirectory(Folder["images"], Folder["images.zip"], CompressionLevel.Fastest, includeBaseDirectory: true);

        var (fromZip, fromFolder) = (ImageData.Open(Folder["images.zip"]), ImageData.Open(Folder["images"]));

        Assert.That(fixture.All.Count, Is.GreaterThan(10));
        Assert.That(fromZip.All.Classes, Is.EqualTo((string[])["a", "b"]));
        Assert.That(fromZip.PassedOver, Is.EqualTo((string[])["1 hidden file"]));
        Assert.That(Enumerable.Range(0, 11).Select(i => Read(fromZip.All, i)), Is.EqualTo(Enumerable.Range(0, 11).Select(i => Read(fromFolder.All, i))));
    }

    [Test]
    public void Open_OfTruncatedZip_NamesIt()
    {
        byte[] whole = File.ReadAllBytes(Fixture("folder.zip"));
        File.WriteAllBytes(Folder["cut.zip"], whole[..(whole.Length / 2)]);

        Assert.That(() => ImageData.Open(Folder["cut.zip"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["cut.zip"]}' is not a valid zip file, or is truncated: fetch it again."));
    }

    [Test]
    public void Open_OfASingleImage_IsADataSet()
    {
        WriteImage(Folder["face.png"], 3, 8, 8);

        var data = ImageData.Open(Folder["face.png"]);

        Assert.That((data.Train.Count, data.Test.Count, data.All.Count), Is.EqualTo((1L, 1L, 1L)));
        Assert.That(data.Test.NameOf(0), Is.EqualTo("face.png"));
    }
}
