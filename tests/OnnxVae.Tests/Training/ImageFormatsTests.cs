using System.Buffers.Binary;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using SkiaSharp;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests.Training;

/// <summary>How image files become pixels.</summary>
internal sealed class ImageFormatsTests : FolderFixture
{
    // Stored 16 x 10 with a bright block; shown as the orientation says.
    [TestCase(3)]
    [TestCase(6)]
    [TestCase(8)]
    public void Read_OfFileWithExifOrientation_IsAsTheImageIsShown(int orientation)
    {
        string file = Fixture($"exif/orientation{orientation}.jpg");
        using var codec = SKCodec.Create(file);
        using var stored = SKBitmap.Decode(codec);
        var (width, height) = (stored.Width, stored.Height);
        bool isTurned = orientation != 3;

        var image = ImageData.Open(file, new ImageOptions { Channels = 3 }).All;
        byte[] pixels = Read(image, 0);

        Assert.That((int)codec.EncodedOrigin, Is.EqualTo(orientation));
        Assert.That((image.Height, image.Width), Is.EqualTo(isTurned ? (width, height) : (height, width)));
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                // Where the pixel that is shown at (x, y) is stored.
                var (sourceX, sourceY) = orientation switch { 3 => (width - 1 - x, height - 1 - y), 6 => (y, height - 1 - x), _ => (width - 1 - y, x) };
                Assert.That(pixels[(y * image.Width) + x], Is.EqualTo(stored.GetPixel(sourceX, sourceY).Red), $"({x}, {y})");
            }
        }
    }

    [TestCase("grey-alpha.png")]
    [TestCase("one-bit.png")]
    [TestCase("one.bmp")]
    [TestCase("one.gif")]
    [TestCase("palette.png")]
    [TestCase("sixteen-bit.png")]
    public void Open_OfGrayscaleStoredOtherwise_HasOneChannel(string name)
    {
        var image = ImageData.Open(Fixture($"grayscale-kinds/{name}")).All;

        Assert.That(image.Channels, Is.EqualTo(1));
        Assert.That(Read(image, 0).Distinct().Count(), Is.GreaterThan(1));
    }

    [Test]
    public void Open_OfFolderWithGrayscaleOfAllKinds_HasOneChannel_AndCountsWhatIsNotRead()
    {
        var data = ImageData.Open(Fixture("grayscale-kinds"), new ImageOptions { Size = (16, 16) });

        Assert.That((data.All.Count, data.All.Channels), Is.EqualTo((6L, 1)));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 .tif file (not an image format that is read)"]));
    }

    [Test]
    public void Open_OfOneColouredPixel_HasThreeChannels()
    {
        WriteImages(Folder.Path, 3);
        using (var bitmap = new SKBitmap(8, 8, SKColorType.Rgba8888, SKAlphaType.Opaque))
        {
            bitmap.Erase(SKColors.Gray);
            bitmap.SetPixel(7, 7, new SKColor(128, 128, 129));
            using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Folder["x.png"], png.ToArray());
        }

        Assert.That(ImageData.Open(Folder.Path).All.Channels, Is.EqualTo(3));
    }

    // Ten bytes of a GIF's header promise more than is decoded; so many at once would take all memory.
    [Test]
    public void Open_OfTinyFilesThatPromiseManyPixels_DecodesNone()
    {
        WriteImage(Folder["a.png"], 1, 8, 8);
        byte[] gif = File.ReadAllBytes(Fixture("grayscale-kinds/one.gif"));
        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(6), 60_000);
        BinaryPrimitives.WriteUInt16LittleEndian(gif.AsSpan(8), 60_000);
        for (int i = 0; i < 8; i++)
        {
            File.WriteAllBytes(Folder[$"x{i}.gif"], gif);
        }

        long before = GC.GetTotalAllocatedBytes();
        var data = ImageData.Open(Folder.Path, new ImageOptions { Size = (8, 8), SkipCorrupt = true });

        Assert.That(data.All.Count, Is.EqualTo(1));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(100_000_000));
        Assert.That(
            () => ImageFiles.Decode("x.gif", gif, 1, 8, 8),
            Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("'x.gif' has 60000 x 60000 pixels, which is too many: give a file like"));
    }
}
