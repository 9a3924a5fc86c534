using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Training;

internal sealed class SpritesTests
{
    [Test]
    public void Sprites_EveryCombination_HasItsIndex()
    {
        var last = Sprites.FactorsOf(new Sprites().Count - 1);

        Assert.That(new Sprites().Count, Is.EqualTo(737_280));
        Assert.That(last, Is.EqualTo(new SpriteFactors(2, 5, 39, 31, 31)));
        Assert.That(Sprites.FactorsOf(32), Is.EqualTo(new SpriteFactors(0, 0, 0, 1, 0)));
    }

    [Test]
    public void Sprites_AreBinaryAndWhole([Values(0, 1, 2)] int shape)
    {
        const int perShape = 737_280 / 3, perScale = perShape / 6;
        foreach (int at in (int[])[0, perScale - 1, perShape - 1, perShape / 2])
        {
            byte[] pixels = Read(((long)shape * perShape) + at);
            int border = Enumerable.Range(0, 64).Sum(i => pixels[i] + pixels[(63 * 64) + i] + pixels[i * 64] + pixels[(i * 64) + 63]);

            Assert.That(pixels.Distinct(), Is.EquivalentTo((byte[])[0, 255]));
            Assert.That(pixels.Count(pixel => pixel > 0), Is.InRange(80, 900));
            Assert.That(border, Is.Zero, "no shape reaches the border");
        }
    }

    [Test]
    public void Sprites_MovedToTheRight_MoveToTheRight()
    {
        double left = CentreOfColumns(Read(0)), right = CentreOfColumns(Read(31 * 32));

        Assert.That(right - left, Is.EqualTo(24).Within(1));
    }

    private static byte[] Read(long index)
    {
        var pixels = new byte[64 * 64];
        new Sprites().Read(index, pixels);
        return pixels;
    }

    private static double CentreOfColumns(byte[] pixels)
    {
        var columns = Enumerable.Range(0, pixels.Length).Where(i => pixels[i] > 0).Select(i => i % 64).ToArray();
        return columns.Average();
    }
}
