using System.Buffers.Binary;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests.Training;

internal sealed class ImageDataTests : FolderFixture
{
    [Test]
    public void Open_OfDataWithoutSplits_HoldsOutDisjointImages()
    {
        WriteImages(Folder.Path, 30);
        var data = ImageData.Open(Folder.Path);

        string[] train = Names(data.Train), test = Names(data.Test);

        Assert.That((train.Length, test.Length), Is.EqualTo((27, 3)));
        Assert.That(train.Intersect(test), Is.Empty);
        Assert.That(Names(data.All), Is.EqualTo(train.Concat(test).Order(StringComparer.Ordinal)));
    }

    [Test]
    public void Open_OfFolderWithSplits_TakesThem()
    {
        WriteImages(Folder["train"], 4);
        WriteImages(Folder["test/class"], 2);

        var data = ImageData.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Test.Count, data.All.Count), Is.EqualTo((4, 2, 6)));
        Assert.That(data.Test.NameOf(1), Is.EqualTo("test/class/01.png"));
        Assert.That(data.Validation, Is.Null);
    }

    [TestCase(".tar", false)]
    [TestCase(".tar.gz", true)]
    [TestCase(".tar", true)]
    [TestCase(".tar.gz", false)] // as browsers leave it that unpack what they download
    public void Open_OfTar_ReadsTheSamePixelsAsTheFolder(string extension, bool zipped)
    {
        WriteImages(Folder["images"], 5);
        string tar = Folder[$"images{extension}"];
        using (var file = File.Create(tar))
        using (Stream content = zipped ? new GZipStream(file, CompressionLevel.Fastest) : file)
        {
            TarFile.CreateFromDirectory(Folder["images"], content, includeBaseDirectory: false);
        }

        var (fromTar, fromFolder) = (ImageData.Open(tar).All, ImageData.Open(Folder["images"]).All);

        Assert.That(fromTar.Count, Is.EqualTo(5));
        Assert.That(Enumerable.Range(0, 5).Select(i => Read(fromTar, i)), Is.EqualTo(Enumerable.Range(0, 5).Select(i => Read(fromFolder, i))));
    }

    [Test]
    public void Open_OfGreyAndColour_IsColourUnlessAskedForGrey()
    {
        WriteImages(Folder.Path, 2);
        Assert.That(ImageData.Open(Folder.Path).All.Channels, Is.EqualTo(1));
        WriteImage(Folder["colour.png"], 3, 8, 8);

        Assert.That(ImageData.Open(Folder.Path).All.Channels, Is.EqualTo(3));
        Assert.That(ImageData.Open(Folder.Path, new ImageOptions { Channels = 1 }).All.Channels, Is.EqualTo(1));
    }

    [Test]
    public void Open_WithImageSize_ScalesAndCropsTheCentre()
    {
        WriteImage(Folder["a.png"], 1, 8, 16);
        WriteImage(Folder["b.png"], 1, 20, 10);

        var all = ImageData.Open(Folder.Path, new ImageOptions { Size = (4, 4) }).All;

        Assert.That((all.Height, all.Width), Is.EqualTo((4, 4)));
    }

    [Test]
    public void Read_OfWiderImage_TakesTheCentre()
    {
        float[] pixels = [.. Enumerable.Range(0, 4 * 8).Select(i => i % 8 is >= 2 and < 6 ? 1f : 0f)];
        File.WriteAllBytes(Folder["wide.png"], TestImages.ToPng(pixels, 1, 4, 8));

        byte[] read = Read(ImageData.Open(Folder.Path, new ImageOptions { Size = (4, 4) }).All, 0);

        Assert.That(read, Has.Length.EqualTo(16).And.All.EqualTo(255));
    }

    [Test]
    public void Read_OfTransparentImage_PutsItOnBlack()
    {
        using (var bitmap = new SkiaSharp.SKBitmap(2, 1, SkiaSharp.SKColorType.Rgba8888, SkiaSharp.SKAlphaType.Unpremul))
        {
            bitmap.SetPixel(0, 0, new SkiaSharp.SKColor(200, 100, 50, 255));
            bitmap.SetPixel(1, 0, new SkiaSharp.SKColor(200, 100, 50, 0));
            using var png = bitmap.Encode(SkiaSharp.SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Folder["alpha.png"], png.ToArray());
        }

        Assert.That(Read(ImageData.Open(Folder.Path).All, 0), Is.EqualTo((byte[])[200, 0, 100, 0, 50, 0]));
    }

    [TestCase("./")]
    [TestCase("cifar10/")]
    public void Open_OfTarWithOuterFolder_FindsTheSplits(string prefix)
    {
        WriteImages(Folder["images/train"], 3);
        WriteImages(Folder["images/test"], 2);
        using (var tar = new TarWriter(File.Create(Folder["a.tar"])))
        {
            foreach (string name in (string[])["train/00.png", "train/01.png", "train/02.png", "test/00.png", "test/01.png"])
            {
                tar.WriteEntry(Folder[$"images/{name}"], $"{prefix}{name}");
            }
        }

        var data = ImageData.Open(Folder["a.tar"]);

        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((3, 2)));
    }

    [Test]
    public void Open_OfEmnistNames_TakesTestForTesting()
    {
        WriteIdx(Folder["emnist-balanced-train-images-idx3-ubyte"], 3, zipped: false);
        WriteIdx(Folder["emnist-balanced-test-images-idx3-ubyte"], 2, zipped: false);

        Assert.That(ImageData.Open(Folder.Path).Train.Count, Is.EqualTo(3));
    }

    [Test]
    public void Open_OfMixedSizes_NamesTwoOfThem()
    {
        WriteImage(Folder["a.png"], 1, 8, 8);
        WriteImage(Folder["b.png"], 1, 9, 8);

        AssertRefused(Folder.Path, "The images have several sizes: 'a.png' has 8 x 8, 'b.png' has 8 x 9. Scale and crop them to one.");
    }

    [Test]
    public void Open_OfFileThatIsNoImage_NamesItOrSkipsIt([Values] bool truncated)
    {
        WriteImages(Folder.Path, 4);
        byte[] broken = truncated ? File.ReadAllBytes(Folder["00.png"])[..^40] : Encoding.ASCII.GetBytes("no image");
        File.WriteAllBytes(Folder["x.png"], broken);

        Assert.That(
            () => ImageData.Open(Folder.Path),
            Throws.TypeOf<CorruptImageException>().With.Message.EqualTo("'x.png' is not an image that can be read: remove it, or leave such files out."));
        Assert.That(ImageData.Open(Folder.Path, new ImageOptions { SkipCorrupt = true }).All.Count, Is.EqualTo(4));
    }

    // Eight bytes of a PNG's header promise more pixels than any memory has.
    [Test]
    public void Open_OfImageThatPromisesTooManyPixels_IsRefused()
    {
        WriteImages(Folder.Path, 4);
        byte[] image = File.ReadAllBytes(Folder["00.png"]);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(16), 100_000);
        BinaryPrimitives.WriteInt32BigEndian(image.AsSpan(20), 90_000);
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(29), Crc32(image.AsSpan(12, 17)));
        File.WriteAllBytes(Folder["x.png"], image);

        Assert.That(
            () => ImageData.Open(Folder.Path, new ImageOptions { Size = (8, 8) }),
            Throws.TypeOf<CorruptImageException>().With.Message.StartsWith("'x.png' has 100000 x 90000 pixels, which is too many: remove it"));
    }

    [Test]
    public void Open_OfEmptyFolder_SaysWhatWasExpected() => AssertRefused(
        Folder.Path, $"'{Folder.Path}' has no images: expected files .png, .jpg, .jpeg, .webp, .gif, .bmp, or MNIST's IDX files.");

    [Test]
    public void Open_OfMissingPath_SaysWhatMayBeGiven() => Assert.That(
        () => ImageData.Open("/nowhere"),
        Throws.TypeOf<FileNotFoundException>().With.Message.EqualTo("There is no data '/nowhere': give 'sprites', 'scenes', 'mnist', 'fashion-mnist', 'kmnist', 'cifar10', a folder, a .tar, .tar.gz or .zip of images, a .npy or .npz, a folder of .npy, or an image file."));

    [Test]
    public void Open_OfIdxFolder_ReadsImagesInOrder([Values("", ".gz")] string extension, [Values] bool zipped)
    {
        WriteIdx(Folder[$"train-images-idx3-ubyte{extension}"], 3, zipped);
        WriteIdx(Folder[$"t10k-images-idx3-ubyte{extension}"], 2, zipped);

        var data = ImageData.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Test.Count, data.Train.Height, data.Train.Width), Is.EqualTo((3L, 2L, 2, 3)));
        Assert.That(Read(data.Train, 1), Is.EqualTo((byte[])[6, 7, 8, 9, 10, 11]));
    }

    [Test]
    public void Open_OfIdxFolderWithLabels_KnowsThem()
    {
        WriteIdx(Folder["train-images-idx3-ubyte.gz"], 3, zipped: true);
        WriteIdx(Folder["t10k-images-idx3-ubyte"], 2, zipped: false);
        File.WriteAllBytes(Folder["train-labels-idx1-ubyte"], [0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 4]);
        File.WriteAllBytes(Folder["t10k-labels-idx1-ubyte"], [0, 0, 8, 1, 0, 0, 0, 2, 1, 3]);

        var data = ImageData.Open(Folder.Path);

        Assert.That(Labels(data.Train), Is.EqualTo((int[])[2, 0, 4]));
        Assert.That(Labels(data.All), Is.EqualTo((int[])[2, 0, 4, 1, 3]));
        Assert.That(data.All.Classes, Is.EqualTo((string[])["0", "1", "2", "3", "4"]));

        File.WriteAllBytes(Folder["t10k-labels-idx1-ubyte"], [0, 0, 8, 1, 0, 0, 0, 3, 1, 3, 1]);
        AssertRefused(
            Folder.Path,
            $"'{Folder["t10k-labels-idx1-ubyte"]}' does not hold the labels of the 2 images next to it: expected 10 bytes that begin with 0x00000801. Fetch it again, or remove it.");
    }

    [TestCase("")]
    [TestCase("train/")]
    public void Open_OfFoldersOfClasses_KnowsThem(string split)
    {
        WriteImages(Folder[$"{split}cat"], 2);
        WriteImages(Folder[$"{split}dog/old"], 3);
        if (split.Length > 0)
        {
            WriteImages(Folder["test/dog"], 1);
        }

        var data = ImageData.Open(Folder.Path);

        Assert.That(data.All.Classes, Is.EqualTo((string[])["cat", "dog"]));
        Assert.That(Labels(data.All)[..5], Is.EqualTo((int[])[0, 0, 1, 1, 1]));
        Assert.That(ImageData.Open(Folder[$"{split}cat"]).All.Classes, Is.Empty);
    }

    [Test]
    public void Open_OfArrayWithImageSize_ScalesAndConverts()
    {
        WriteNpy(Folder["a.npy"], 2, 4, 8);

        var images = ImageData.Open(Folder["a.npy"], new ImageOptions { Size = (8, 8), Channels = 3 }).All;

        byte[] pixels = Read(images, 1);
        Assert.That((images.Channels, images.Height, images.Width), Is.EqualTo((3, 8, 8)));
        Assert.That(pixels[..64], Is.EqualTo(pixels[64..128]).And.EqualTo(pixels[128..]), "grey");
        Assert.That(pixels[..64].Average(pixel => (double)pixel), Is.EqualTo(32 + 15.5).Within(1), "the centre, rows of 8 that count up");
    }

    [Test]
    public void Open_OfCorruptGzip_NamesTheFile()
    {
        string file = Folder["train-images-idx3-ubyte.gz"];
        File.WriteAllBytes(file, [0x1F, 0x8B, 1, 2, 3]);

        AssertRefused(Folder.Path, $"'{file}' is not a valid gzip file: fetch it again.");
    }

    [Test]
    public void Open_OfIdxWithWrongMagic_ShowsIt()
    {
        string file = Folder["train-images-idx3-ubyte"];
        File.WriteAllBytes(file, [0, 0, 8, 1, .. new byte[20]]);

        AssertRefused(Folder.Path, $"'{file}' is not an IDX image file: its magic number is 0x00000801, expected 0x00000803.");
    }

    [Test]
    public void Open_OfTruncatedIdx_ComparesSizes()
    {
        string file = Folder["train-images-idx3-ubyte"];
        WriteIdx(file, 3, zipped: false);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..^1]);

        AssertRefused(Folder.Path, $"'{file}' is damaged: its header promises 3 images of 2 x 3, 34 bytes, but it has 33. Fetch it again.");
    }

    [Test]
    public void Open_OfNumpyArray_ReadsAnyLayout()
    {
        WriteNpy(Folder["last.npy"], 2, 4, 5, 3);
        WriteNpy(Folder["first.npy"], 2, 3, 4, 5);

        var (last, first) = (ImageData.Open(Folder["last.npy"]).All, ImageData.Open(Folder["first.npy"]).All);

        Assert.That((last.Channels, last.Height, last.Width), Is.EqualTo((3, 4, 5)));
        Assert.That(Read(last, 0)[..3], Is.EqualTo((byte[])[0, 3, 6]));
        Assert.That(Read(first, 0)[..3], Is.EqualTo((byte[])[0, 1, 2]));
    }

    // A file with a hole: it takes no room on the disk.
    [Test]
    public void Open_OfNumpyArrayBeyondMemory_ReadsImagesWhereTheyAre()
    {
        const long count = 800_000;
        using (var file = File.Create(Folder["large.npy"]))
        {
            Npy.WriteHeader(file, "|u1", count, 3, 32, 32);
            long header = file.Length;
            foreach (long index in (long[])[0, 750_000, count - 1])
            {
                file.Position = header + (index * 3072);
                file.Write(Enumerable.Repeat((byte)(1 + (index % 251)), 3072).ToArray());
            }
        }

        var images = ImageData.Open(Folder["large.npy"]).All;

        Assert.That(images.Count, Is.EqualTo(count));
        foreach (long index in (long[])[0, 750_000, count - 1])
        {
            Assert.That(Read(images, index), Is.All.EqualTo((byte)(1 + (index % 251))));
        }

        Assert.That(Read(images, 5), Is.All.Zero);
        using (var file = File.Create(Folder["short.npy"]))
        {
            Npy.WriteHeader(file, "|u1", count, 3, 32, 32);
            file.SetLength(file.Length + (count * 3072) - 1);
        }

        AssertRefused(
            Folder["short.npy"],
            $"'{Folder["short.npy"]}' is damaged: an array of type |u1 and shape [800000, 3, 32, 32] takes 2457600000 bytes, but 2457599999 follow the header.");
    }

    [Test]
    public void Open_OfNpz_TakesTrainingAndTestArrays()
    {
        WriteNpy(Folder["x_train.npy"], 4, 3, 3);
        WriteNpy(Folder["x_test.npy"], 2, 3, 3);
        WriteNpy(Folder["labels.npy"], 4);
        using (var archive = ZipFile.Open(Folder["data.npz"], ZipArchiveMode.Create))
        {
            foreach (string name in (string[])["x_train.npy", "x_test.npy", "labels.npy"])
            {
                archive.CreateEntryFromFile(Folder[name], name);
            }
        }

        var data = ImageData.Open(Folder["data.npz"]);

        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((4L, 2L)));
    }

    [Test]
    public void Open_OfTruncatedNumpyArray_ComparesSizes()
    {
        WriteNpy(Folder["a.npy"], 2, 3, 3);
        File.WriteAllBytes(Folder["a.npy"], File.ReadAllBytes(Folder["a.npy"])[..^1]);

        AssertRefused(Folder["a.npy"], $"'{Folder["a.npy"]}' is damaged: an array of type |u1 and shape [2, 3, 3] takes 18 bytes, but 17 follow the header.");
    }

    [Test]
    public void Open_OfTruncatedTar_NamesIt()
    {
        WriteImages(Folder["images"], 3);
        TarFile.CreateFromDirectory(Folder["images"], Folder["a.tar"], includeBaseDirectory: false);
        File.WriteAllBytes(Folder["a.tar"], File.ReadAllBytes(Folder["a.tar"])[..700]);

        AssertRefused(Folder["a.tar"], $"'{Folder["a.tar"]}' is not a valid tar file, or is truncated: fetch it again.");
    }

    [Test]
    public void Open_OfCifar10_HoldsOutFiveThousand()
    {
        var data = ImageData.Open(DataFolder.Cifar10);

        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((45_000L, 5_000L)));
        Assert.That((data.All.Channels, data.All.Height, data.All.Width), Is.EqualTo((3, 32, 32)));
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0xEDB88320);
            }
        }

        return ~crc;
    }

    private static void AssertRefused(string source, string message) =>
        Assert.That(() => ImageData.Open(source), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(message));

    [Test]
    public void Open_Binarized_DrawsEveryPixelOnceByItsGreyValue()
    {
        WriteImage(Folder["grey/a.png"], 1, 200, 200);
        ImageSource Open(ulong? seed) => ImageData.Open(Folder["grey"], new ImageOptions { BinarizationSeed = seed }).Train;
        var (grey, binary, other) = (Open(null), Open(3), Open(4));

        byte[] drawn = Read(binary, 0), original = Read(grey, 0);
        Assert.That(drawn, Is.All.EqualTo(0).Or.EqualTo(255));
        Assert.That(Read(binary, 0), Is.EqualTo(drawn), "the same at every reading");
        Assert.That(drawn.Where((_, i) => original[i] is 0 or 255), Is.EqualTo(original.Where(pixel => pixel is 0 or 255)));
        Assert.That(drawn.Average(pixel => (double)pixel), Is.EqualTo(original.Average(pixel => (double)pixel)).Within(2).Percent);
        Assert.That(Read(other, 0), Is.Not.EqualTo(drawn), "another seed, other draws");
    }
}
