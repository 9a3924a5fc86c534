using OnnxVae.Inference;
using OnnxVae.Inference.ImageSharp;
using OnnxVae.Inference.SkiaSharp;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;
using TorchSharp;
using Image = SixLabors.ImageSharp.Image;

namespace OnnxVae.Tests.Inference;

/// <summary>Pictures into encoders and out of decoders, against libtorch's scaling and against what training reads.</summary>
internal sealed class PicturesTests : FolderFixture
{
    private static readonly ExportedModels Models = new();

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();

    [TestCase(64, 64, 16, 16)]
    [TestCase(50, 50, 32, 32)]
    [TestCase(7, 7, 20, 20)]
    [TestCase(40, 30, 40, 30)]
    [TestCase(96, 64, 24, 16)]
    public void Fit_ScalesLikeTorch(int width, int height, int toWidth, int toHeight)
    {
        byte[] pixels = Noise(3 * width * height);
        var image = new byte[3 * toWidth * toHeight];

        InterleavedPixels.Fit(pixels, width, height, image, imageChannels: 3, toWidth, toHeight);

        using var planar = torch.tensor([.. pixels.Select(pixel => (float)pixel)], [1, height, width, 3]).permute(0, 3, 1, 2);
        using var scaled = torch.nn.functional.interpolate(planar, [toHeight, toWidth], mode: torch.InterpolationMode.Bilinear, align_corners: false, antialias: true);
        float[] expected = scaled.contiguous().ToArray();
        Assert.That(image.Zip(expected, (actual, value) => Math.Abs(actual - value)).Max(), Is.LessThan(0.51), "rounded to whole numbers");
    }

    [Test]
    public void Fit_TakesTheCentre_AndPutsTransparentPixelsOnBlack()
    {
        byte[] rgba = [.. Enumerable.Range(0, 6 * 2).SelectMany(i => i % 6 is 2 or 3 ? (byte[])[200, 100, 50, 255] : [9, 9, 9, 255])];
        (rgba[(2 * 4) + 3], rgba[(3 * 4) + 3]) = (0, 128);
        var image = new byte[3 * 4];

        InterleavedPixels.Fit(rgba, 6, 2, image, imageChannels: 3, imageWidth: 2, imageHeight: 2);

        Assert.That(image, Is.EqualTo((byte[])[0, 100, 200, 200, 0, 50, 100, 100, 0, 25, 50, 50]));
    }

    [Test]
    public void ToPixels_OfBothLibraries_GiveWhatTrainingReads()
    {
        using var vae = TrainedVae.Load(Models.Export("conv"));
        var model = vae.Encoder.Metadata;
        using (var drawn = new SKBitmap(new SKImageInfo(61, 47, SKColorType.Rgba8888, SKAlphaType.Unpremul)))
        {
            byte[] noise = Noise(4 * 61 * 47);
            System.Runtime.InteropServices.Marshal.Copy(noise, 0, drawn.GetPixels(), noise.Length);
            using var png = drawn.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Folder["picture.png"], png.ToArray());
        }

        using var bitmap = SKBitmap.Decode(Folder["picture.png"], new SKImageInfo(61, 47, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        using var picture = Image.Load(Folder["picture.png"]);
        using var converted = picture.CloneAs<Rgb24>();
        var read = ImageData.Open(Folder["picture.png"], new ImageOptions { Size = (model.Height, model.Width), Channels = model.Channels }).All;
        byte[] expected = TestImages.Read(read, 0);

        Assert.That(bitmap.ToPixels(model), Is.EqualTo(expected));
        Assert.That(picture.ToPixels(model), Is.EqualTo(expected));
        Assert.That(converted.ToPixels(model), Is.Not.EqualTo(expected), "its transparent pixels have become opaque");
    }

    [TestCase(1)]
    [TestCase(3)]
    public void Images_AsPicturesAndBack_AreTheSame(int channels)
    {
        var model = new ModelMetadata("decoder", 5, [channels, 5, 7], "", null);
        float[] images = [.. Enumerable.Range(0, 2 * model.ImageSize).Select(i => i % 256 / 255f)];
        var expected = new byte[images.Length];
        Pixels.ToBytes(images, expected);

        SKBitmap[] bitmaps = model.ToBitmaps(images);
        Image[] pictures = model.ToPictures(images);
        byte[] fromBitmaps = [.. bitmaps.SelectMany(bitmap => bitmap.ToPixels(model))], fromPictures = [.. pictures.SelectMany(picture => picture.ToPixels(model))];
        Array.ForEach(bitmaps, bitmap => bitmap.Dispose());
        Array.ForEach(pictures, picture => picture.Dispose());

        Assert.That(fromBitmaps, Is.EqualTo(expected));
        Assert.That(fromPictures, Is.EqualTo(expected));
    }

    [Test]
    public void WrongSizes_AreExplained()
    {
        var model = new ModelMetadata("decoder", 5, [3, 2, 2], "", null);

        Assert.That(() => InterleavedPixels.Fit(new byte[7], 2, 2, model), Throws.ArgumentException.With.Message.StartsWith("There are 7 bytes for 2 x 2 pixels; expected 1 byte per pixel for grayscale, 3 for RGB or 4 for RGBA."));
        Assert.That(() => InterleavedPixels.FromImages(new float[13], model, 3), Throws.ArgumentException.With.Message.StartsWith("There are 13 numbers in images; expected one or more images of 12 (3 x 2 x 2)."));
        Assert.That(() => InterleavedPixels.FromImages(new float[12], model, 1), Throws.ArgumentException.With.Message.StartsWith("Pictures of 3-channel images cannot have 1 channels;"));
    }

    // The examples of the documents, as they are printed there.
    [Test]
    public void Examples_Run()
    {
        string before = Environment.CurrentDirectory, export = Models.Export("conv");
        using (var bitmap = new SKBitmap(40, 30))
        using (var file = File.Create(Folder["cat.png"]))
        {
            bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
        }

        using var encoder = VaeEncoder.Load(Path.Combine(export, "encoder.onnx"));
        using var decoder = VaeDecoder.Load(Path.Combine(export, "decoder.onnx"));
        Environment.CurrentDirectory = Folder.Path;
        try
        {
            BySkiaSharp();
            ByImageSharp();
            ByBytes(Noise(4 * 20 * 30), 20, 30);
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }

        void BySkiaSharp()
        {
            using var picture = SKBitmap.Decode("cat.png");
            var (mean, logVar) = encoder.Encode(picture.ToPixels(encoder.Metadata));
            using SKBitmap reconstruction = decoder.Metadata.ToBitmaps(decoder.Decode(mean))[0];
            Assert.That((reconstruction.Width, logVar.Length), Is.EqualTo((decoder.Metadata.Width, mean.Length)));
        }

        void ByImageSharp()
        {
            using var picture = Image.Load("cat.png");
            var (mean, logVar) = encoder.Encode(picture.ToPixels(encoder.Metadata));
            using Image reconstruction = decoder.Metadata.ToPictures(decoder.Decode(mean))[0];
            Assert.That((reconstruction.Width, logVar.Length), Is.EqualTo((decoder.Metadata.Width, mean.Length)));
        }

        void ByBytes(byte[] rgba, int width, int height)
        {
            byte[] pixels = InterleavedPixels.Fit(rgba, width, height, encoder.Metadata);
            var (mean, logVar) = encoder.Encode(pixels);
            byte[][] pictures = InterleavedPixels.FromImages(decoder.Decode(mean), decoder.Metadata, channels: 4);
            Assert.That((pictures.Single().Length, logVar.Length), Is.EqualTo((4 * decoder.Metadata.Height * decoder.Metadata.Width, mean.Length)));
        }
    }

    private static byte[] Noise(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
