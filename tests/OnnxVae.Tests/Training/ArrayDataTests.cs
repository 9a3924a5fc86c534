using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using static OnnxVae.Tests.Support.TestImages;

namespace OnnxVae.Tests.Training;

/// <summary>NumPy arrays and IDX files as others write them.</summary>
internal sealed class ArrayDataTests : FolderFixture
{
    [Test]
    public void Open_OfTruthValues_IsBlackAndWhite()
    {
        byte[] stored = File.ReadAllBytes(Fixture("bool.npy"))[128..];

        var images = ImageData.Open(Fixture("bool.npy")).All;

        Assert.That((images.Count, images.Channels, images.Height, images.Width), Is.EqualTo((16L, 1, 28, 28)));
        Assert.That(Read(images, 3), Is.EqualTo(stored[(3 * 784)..(4 * 784)].Select(value => (byte)(255 * value))));
    }

    [Test]
    public void Open_OfFortranOrder_PutsTheLastIndexFirst()
    {
        byte[] stored = File.ReadAllBytes(Fixture("fortran.npy"))[128..];

        byte[] image = Read(ImageData.Open(Fixture("fortran.npy")).All, 5);

        Assert.That(image, Is.EqualTo(Enumerable.Range(0, 784).Select(i => stored[5 + (16 * ((i / 28) + (28 * (i % 28))))])));
    }

    [TestCase(">f4")]
    [TestCase("<f4")]
    [TestCase("<f8")]
    [TestCase(">i2")]
    [TestCase("<u2")]
    [TestCase(">i8")]
    public void Open_OfOtherTypes_TakesTheSamePixels(string type)
    {
        byte[] pixels = [.. Enumerable.Range(0, 2 * 12).Select(i => (byte)(10 * i))];
        WriteArray(Folder["a.npy"], type, [2, 3, 4], [.. pixels.Select(pixel => type[1] == 'f' ? pixel / 255.0 : pixel)]);

        Assert.That(Read(ImageData.Open(Folder["a.npy"]).All, 1), Is.EqualTo(pixels[12..]));
    }

    [Test]
    public void Open_OfFloatsThatAreBytes_TakesThem()
    {
        WriteArray(Folder["a.npy"], "<f4", [2, 1, 2], [0, 255, 3, 4]);

        Assert.That(Read(ImageData.Open(Folder["a.npy"]).All, 1), Is.EqualTo((byte[])[3, 4]));
    }

    [Test]
    public void Open_OfFloats_GivesThePixelsThatTheyWere()
    {
        byte[] stored = File.ReadAllBytes(Fixture("float32.npy"))[128..];

        byte[] image = Read(ImageData.Open(Fixture("float32.npy")).All, 2);

        Assert.That(image, Is.EqualTo(Enumerable.Range(2 * 784, 784).Select(i => (byte)Math.Round(255 * BinaryPrimitives.ReadSingleLittleEndian(stored.AsSpan(4 * i))))));
    }

    [TestCase("<f4", -1.0, "-1")]
    [TestCase("<f4", double.NaN, "NaN")]
    [TestCase("<f4", 3.5, "3.5")]
    [TestCase("<i4", 256.0, "256")]
    public void Open_OfWhatAreNotPixels_ForAModelOfPixels_NamesTheFirst(string type, double value, string shown)
    {
        WriteArray(Folder["a.npy"], type, [2, 2, 2], [0, 1, 0, 1, 0, value, 0, 1]);

        Assert.That(() => ImageData.Open(Folder["a.npy"], new ImageOptions { IsReal = false }), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["a.npy"]}' holds {(type == "<f4" ? "float32" : "int32")}, and {shown} at [1, 0, 1]; expected pixels: whole numbers from 0 to 255, uint16, or numbers from 0 to 1."));
    }

    [TestCase(double.NaN, "<f4", "NaN", "float32")]
    [TestCase(double.NegativeInfinity, ">f8", "-Infinity", "float64")]
    [TestCase(1e300, "<f8", "1E+300", "float64")]
    public void Open_OfWhatIsNoNumber_NamesItsPlace(double value, string type, string shown, string name)
    {
        WriteArray(Folder["a.npy"], type, [2, 2, 2], [0, 1, 0, 1.5, 0, value, 0, 1]);

        Assert.That(() => ImageData.Open(Folder["a.npy"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["a.npy"]}' holds {shown} at [1, 0, 1], of type {name}; expected finite numbers within the range of float32: leave that example out, or replace the value."));
    }

    [Test]
    public void Open_OfShapeWhoseProductOverflows_ComparesSizes() => Assert.That(
        () => ImageData.Open(Fixture("product-wraps.npy")),
        Throws.TypeOf<InvalidDataException>().With.Message.Contains("is damaged: an array of type |u1 and shape [4294967296, 4294967296, 1] takes"));

    [Test]
    public void Open_OfSizeBeyondALong_SaysWhatIsRead()
    {
        File.WriteAllBytes(Folder["a.npy"], [0x93, .. "NUMPY"u8, 1, 0, 70, 0, .. Encoding.ASCII.GetBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 2, 2), }".PadRight(69) + "\n")]);

        Assert.That(() => ImageData.Open(Folder["a.npy"]), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder["a.npy"]}' cannot be used: expected an array"));
    }

    [Test]
    public void Open_OfSecondVersionWithHugeHeader_AllocatesNothing()
    {
        File.WriteAllBytes(Folder["a.npy"], [0x93, .. "NUMPY"u8, 2, 0, 0xF0, 0xFF, 0xFF, 0x7F, .. new byte[200]]);

        Assert.That(() => ImageData.Open(Folder["a.npy"]), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder["a.npy"]}' cannot be used: expected an array"));
    }

    [Test]
    public void Open_OfNamedSplitsAndLabels_KnowsThem()
    {
        var data = ImageData.Open(Fixture("named-splits.npz"));

        Assert.That((data.Train.Count, data.Validation!.Count, data.Test.Count), Is.EqualTo((16L, 4L, 5L)));
        Assert.That(data.Train.Classes, Has.Count.GreaterThan(1));
        Assert.That(data.Test.Classes, Is.EqualTo(data.Train.Classes));
        Assert.That(Labels(data.All), Has.Length.EqualTo(25).And.All.InRange(0, data.Train.Classes.Count - 1));
        Assert.That(data.PassedOver, Is.Empty);
    }

    [Test]
    public void Open_OfKerasNames_TakesLabelsAndPassesOverTheRest()
    {
        WriteNpy(Folder["x_train.npy"], 4, 3, 3);
        WriteNpy(Folder["x_test.npy"], 2, 3, 3);
        WriteArray(Folder["y_train.npy"], "<i8", [4, 1], [7, 3, 7, 5]);
        WriteArray(Folder["y_test.npy"], "<i8", [2], [3, 9]);
        WriteArray(Folder["weights.npy"], "<f4", [4], [1, 2, 3, 4]);
        Zip("data.npz", "x_train.npy", "x_test.npy", "y_train.npy", "y_test.npy", "weights.npy");

        var data = ImageData.Open(Folder["data.npz"]);

        Assert.That(data.Train.Classes, Is.EqualTo((string[])["3", "5", "7", "9"]));
        Assert.That(Labels(data.All), Is.EqualTo((int[])[2, 0, 2, 1, 0, 3]));
        Assert.That(Enumerable.Range(0, 6).Select(i => data.All.NameOf(i)), Is.Unique);
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 array 'weights.npy' (of shape [4], neither examples nor the labels of all of them)"]));
    }

    [Test]
    public void Open_OfSplitsOfOtherShapes_SaysWhichTheyAre()
    {
        WriteNpy(Folder["x_train.npy"], 4, 3, 3);
        WriteNpy(Folder["x_test.npy"], 2, 5, 5);
        Zip("data.npz", "x_train.npy", "x_test.npy");

        Assert.That(() => ImageData.Open(Folder["data.npz"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "Training images are 1 x 3 x 3 (channels, height, width), test images 1 x 5 x 5 (channels, height, width): they must be alike."));
    }

    [TestCase(float.NaN, "NaN")]
    [TestCase(1.5f, "1.5")]
    public void Open_OfOneNumberAmongFractionsThatIsNoPixel_NamesThatOne(float wrong, string shown)
    {
        double[] values = [.. Enumerable.Repeat(0.5, 18)];
        values[11] = wrong;
        WriteArray(Folder["a.npy"], "<f4", [2, 3, 3], values);

        Assert.That(() => ImageData.Open(Folder["a.npy"], new ImageOptions { IsReal = false }), Throws.TypeOf<InvalidDataException>().With.Message.Contains($"and {shown} at [1, 0, 2]; expected pixels"));
    }

    [Test]
    public void Open_OfNpzWhoseArchiveLiesAboutLengths_SaysSo()
    {
        WriteNpy(Folder["x.npy"], 4, 3, 3);
        Zip("data.npz", "x.npy");
        byte[] archive = File.ReadAllBytes(Folder["data.npz"]);
        int central = archive.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(archive.AsSpan(central + 24), 0x7FFF_0000);
        File.WriteAllBytes(Folder["data.npz"], archive);

        Assert.That(() => ImageData.Open(Folder["data.npz"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains(Folder["data.npz"]));
    }

    [Test]
    public void Open_OfIdxWhoseSizesOverflow_SaysSo() => Assert.That(
        () => ImageData.Open(Fixture("idx-wraps")),
        Throws.TypeOf<InvalidDataException>().With.Message.Contains("cannot be used: its header promises 4194304 images of 2097152 x 2097152"));

    // A few kilobytes of gzip that unpack to a gigabyte: the header says how much is wanted.
    [Test]
    public void Open_OfGzipThatUnpacksToMuchMore_StopsAfterWhatTheHeaderPromises()
    {
        using (var file = File.Create(Folder["train-images-idx3-ubyte.gz"]))
        using (var gzip = new GZipStream(file, CompressionLevel.Optimal))
        {
            gzip.Write([0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3]);
            for (int i = 0; i < 256; i++)
            {
                gzip.Write(new byte[1 << 22]);
            }
        }

        long before = GC.GetTotalAllocatedBytes();

        Assert.That(() => ImageData.Open(Folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.EndsWith(
            "is damaged: its header promises 3 images of 2 x 3, 34 bytes, but it has more. Fetch it again."));
        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(10_000_000));
    }

    [Test]
    public void Open_OfIdxWithValidationFile_KeepsItApart()
    {
        WriteIdx(Folder["train-images-idx3-ubyte"], 5, zipped: false);
        WriteIdx(Folder["valid-images-idx3-ubyte"], 2, zipped: false);
        WriteIdx(Folder["t10k-images-idx3-ubyte"], 3, zipped: false);

        var data = ImageData.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Validation!.Count, data.Test.Count), Is.EqualTo((5L, 2L, 3L)));
    }

    private void Zip(string name, params string[] files)
    {
        using var archive = ZipFile.Open(Folder[name], ZipArchiveMode.Create);
        foreach (string file in files)
        {
            archive.CreateEntryFromFile(Folder[file], file);
        }
    }
}
