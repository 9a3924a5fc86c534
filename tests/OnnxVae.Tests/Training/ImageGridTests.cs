using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;
using SkiaSharp;

namespace OnnxVae.Tests.Training;

internal sealed class ImageGridTests : FolderFixture
{
    [TestCase(28, 28, 8 * 30 + 2, 6 * 30 + 2)]
    [TestCase(8, 8, 8 * 50 + 2, 6 * 50 + 2)] // enlarged six times
    [TestCase(1000, 1, 8 * 3 + 2, 6 * 1002 + 2)]
    [TestCase(1, 1000, 8 * 1002 + 2, 6 * 3 + 2)]
    [TestCase(1, 1, 8 * 50 + 2, 6 * 50 + 2)]
    [TestCase(4000, 20, 8 * 8 + 2, 6 * 1367 + 2)] // reduced
    public void Draw_OfImagesOfAnyShape_FitsIntoAPicture(int height, int width, int expectedWidth, int expectedHeight)
    {
        byte[] png = ImageGrid.Draw(new float[48 * height * width], 1, height, width, columns: 8);

        var info = SKBitmap.DecodeBounds(png);
        Assert.That((info.Width, info.Height), Is.EqualTo((expectedWidth, expectedHeight)));
    }

    [Test]
    public void Save_ToAnEndingThatIsNotWritten_SaysWhichAre() => Assert.That(
        () => ImageGrid.Save(Folder["grid.gif"], new float[64], new ModelMetadata("decoder", 2, [1, 8, 8], "", null), columns: 1),
        Throws.ArgumentException.With.Message.StartsWith($"'{Folder["grid.gif"]}' cannot be written: pictures are written as .png, .jpg, .jpeg, .webp."));
}
