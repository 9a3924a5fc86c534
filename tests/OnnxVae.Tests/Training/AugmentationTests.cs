using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace OnnxVae.Tests.Training;

/// <summary>Random changes to images: against libtorch's padding and sampling, and by their frequencies.</summary>
internal sealed class AugmentationTests
{
    private const int Height = 9, Width = 7, Channels = 3;
    private const uint Stream = 0x41756730;
    private static readonly float[] Image = [.. Numbers.StandardNormal(Channels * Height * Width, 1).Select(x => Math.Clamp(0.5f + (0.2f * x), 0, 1))];

    [Test]
    public void Flip_ChangesHalfOfTheImages()
    {
        float[] flipped = torch.tensor(Image).view(Channels, Height, Width).flip(2).contiguous().data<float>().ToArray();
        var augmenter = Create(new Augmentation { Flip = true });

        float[][] results = [.. Enumerable.Range(0, 400).Select(row => Apply(augmenter, step: 3, row))];

        Assert.That(results.Where(result => !result.SequenceEqual(Image)), Is.All.EqualTo(flipped));
        Assert.That(results.Count(result => result.SequenceEqual(Image)), Is.EqualTo(200).Within(40));
    }

    [Test]
    public void Crop_IsAPartOfTheReflectedImage_EachEquallyOften()
    {
        using var padded = nn.functional.pad(torch.tensor(Image).view(1, Channels, Height, Width), [2, 2, 2, 2], PaddingModes.Reflect);
        var parts = (from y in Enumerable.Range(0, 5) from x in Enumerable.Range(0, 5) select padded[.., .., y..(y + Height), x..(x + Width)].contiguous().data<float>().ToArray()).ToArray();
        var augmenter = Create(new Augmentation { CropPadding = 2 });

        int[] found = [.. Enumerable.Range(0, 1000).Select(i => Array.FindIndex(parts, part => part.SequenceEqual(Apply(augmenter, (ulong)i, row: 0))))];

        Assert.That(found.GroupBy(i => i).Select(group => group.Count()), Has.Exactly(25).EqualTo(40).Within(25), "each of the 25 parts");
    }

    [Test]
    public void Shift_RepeatsTheBorder_AndReachesBothEnds()
    {
        using var padded = nn.functional.pad(torch.tensor(Image).view(1, Channels, Height, Width), [1, 1, 1, 1], PaddingModes.Replicate);
        var parts = (from y in Enumerable.Range(0, 3) from x in Enumerable.Range(0, 3) select padded[.., .., y..(y + Height), x..(x + Width)].contiguous().data<float>().ToArray()).ToArray();
        var augmenter = Create(new Augmentation { Shift = 1 });

        int[] found = [.. Enumerable.Range(0, 300).Select(i => Array.FindIndex(parts, part => part.SequenceEqual(Apply(augmenter, (ulong)i, row: 2))))];

        Assert.That(found.Distinct().Order(), Is.EqualTo(Enumerable.Range(0, 9)));
    }

    // The rotation that the same random numbers give, by libtorch's grid_sample.
    [Test]
    public void Rotation_IsThatOfLibtorch([Values(1, 2, 3, 4)] int step)
    {
        const double largest = 30;
        double angle = ((2.0 * Philox.Block(1, Stream, (ulong)step, 5).C / uint.MaxValue) - 1) * largest * Math.PI / 180;
        var (sin, cos) = Math.SinCos(angle);
        double ratio = (double)(Height - 1) / (Width - 1); // affine grids have sides of 2, whatever the image's
        using var theta = torch.tensor((float[])[(float)cos, (float)(sin * ratio), 0, (float)(-sin / ratio), (float)cos, 0]).view(1, 2, 3);
        using var grid = nn.functional.affine_grid(theta, [1, Channels, Height, Width], align_corners: true);
        using var expected = nn.functional.grid_sample(torch.tensor(Image).view(1, Channels, Height, Width), grid, GridSampleMode.Bilinear, GridSamplePaddingMode.Border, align_corners: true);

        float[] rotated = Apply(Create(new Augmentation { Rotation = largest }), (ulong)step, row: 0);

        Assert.That(rotated, Is.EqualTo(expected.contiguous().data<float>().ToArray()).Within(1e-5f));
        Assert.That(Math.Abs(angle), Is.GreaterThan(0.01), "something is rotated");
    }

    [Test]
    public void Pixels_AreChangedLikeRealNumbers()
    {
        byte[] pixels = [.. Image.Select(value => (byte)MathF.Round(255 * value))], scratch = new byte[pixels.Length];
        float[] real = [.. pixels.Select(pixel => (float)pixel)], copy = new float[pixels.Length];
        var augmenter = Create(new Augmentation { Flip = true, CropPadding = 2, Shift = 1, Rotation = 20 });

        augmenter.Apply<byte>(pixels, scratch, step: 7, row: 1);
        augmenter.Apply<float>(real, copy, step: 7, row: 1);

        Assert.That(pixels.Select(pixel => (float)pixel), Is.EqualTo(real.Select(value => MathF.Round(value))));
        Assert.That(real, Is.Not.EqualTo(Image.Select(value => MathF.Round(255 * value))));
    }

    [Test]
    public void Changes_DependOnSeedStepAndRowAlone()
    {
        var options = new Augmentation { Flip = true, CropPadding = 2, Shift = 1, Rotation = 20 };
        float[] once = Apply(Create(options), step: 11, row: 3);

        Assert.That(Apply(Create(options), step: 11, row: 3), Is.EqualTo(once));
        Assert.That(Apply(Create(options), step: 12, row: 3), Is.Not.EqualTo(once));
        Assert.That(Apply(Create(options), step: 11, row: 4), Is.Not.EqualTo(once));
        Assert.That(Apply(Create(options, seed: 6), step: 11, row: 3), Is.Not.EqualTo(once));
    }

    [TestCase(7, 0, 0, "The padding of the crop is 7 pixels, but the images have 9 x 7: give 0 to 6.")]
    [TestCase(0, -1, 0, "The shift is -1 pixels, but the images have 9 x 7: give 0 to 6.")]
    [TestCase(0, 0, double.NaN, "The rotation is NaN degrees; give 0 to 180.")]
    public void Changes_ThatDoNotFitTheImages_AreRefused(int padding, int shift, double rotation, string message) =>
        Assert.That(() => Create(new Augmentation { CropPadding = padding, Shift = shift, Rotation = rotation }), Throws.ArgumentException.With.Message.EqualTo(message));

    private static Augmenter Create(Augmentation options, ulong seed = 5) => new(options, new Shaped(), seed);

    private static float[] Apply(Augmenter augmenter, ulong step, int row)
    {
        float[] image = [.. Image];
        augmenter.Apply<float>(image, new float[image.Length], step, row);
        return image;
    }

    private sealed class Shaped : ImageSource
    {
        public override long Count => 1;

        public override ExampleShape Shape { get; } = new(AugmentationTests.Channels, AugmentationTests.Height, AugmentationTests.Width);

        public override void Read(long index, Span<byte> pixels) => pixels.Clear();
    }
}
