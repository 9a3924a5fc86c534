using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Training;

/// <summary>Arrays of images with any number of channels, and in several files.</summary>
internal sealed class NumpyDataTests : FolderFixture
{
    private string[] Train => ["train", "--data", Folder["x.npy"], "--model", "conv", "--hidden", "8", "--latent", "2", "--batch", "4", "--steps", "5", "--validation", "0.2", "--importance-samples", "2", "--out", Folder["run"]];

    [TestCase(new long[] { 2, 5, 8, 8 }, null, new[] { 5, 8, 8 })]
    [TestCase(new long[] { 2, 8, 8, 5 }, null, new[] { 5, 8, 8 })]
    [TestCase(new long[] { 2, 3, 8, 3 }, null, new[] { 3, 8, 3 })]
    [TestCase(new long[] { 2, 5, 8, 9 }, ImageLayout.ChannelsFirst, new[] { 5, 8, 9 })]
    [TestCase(new long[] { 2, 5, 8, 9 }, ImageLayout.ChannelsLast, new[] { 9, 5, 8 })]
    [TestCase(new long[] { 2, 3, 8, 3 }, ImageLayout.ChannelsLast, new[] { 3, 3, 8 })]
    public void Layout_IsToldByTheShapeOrGiven(long[] shape, ImageLayout? layout, int[] expected)
    {
        WriteNpy("x.npy", shape);

        var images = ImageData.Open(Folder["x.npy"], new ImageOptions { Layout = layout }).All;

        Assert.That((int[])[images.Channels, images.Height, images.Width], Is.EqualTo(expected));
        byte[] pixels = new byte[images.ImageSize];
        images.Read(0, pixels);
        bool isLast = expected[0] == shape[3] && expected[1] == shape[1] && expected[2] == shape[2];
        Assert.That(pixels[1], Is.EqualTo(isLast ? (byte)shape[3] : 1), "the value to the right of the first");
    }

    [Test]
    public void Layout_ThatIsAmbiguous_IsAskedFor()
    {
        WriteNpy("x.npy", 2, 5, 8, 9);

        Assert.That(() => ImageData.Open(Folder["x.npy"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["x.npy"]}' has shape [2, 5, 8, 9], whose second axis could be that of channels, or its last one: say which layout it has."));
        Assert.That(Support.Cli.Run(Train).Error, Does.EndWith("or its last one: give --layout nchw or nhwc.\n"));
        var known = ImageData.Open(Folder["x.npy"], new ImageOptions { Channels = 9, Size = (5, 8) }).All;
        Assert.That((known.Channels, known.Height, known.Width), Is.EqualTo((9, 5, 8)), "the shape of a model tells, too");
        Assert.That(() => ImageData.Open(Folder["x.npy"], new ImageOptions { Layout = ImageLayout.ChannelsFirst, Channels = 3 }), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "The images are 5 x 8 x 9 (channels, height, width), and should be 3 x 8 x 9: only grayscale and color are scaled."));
    }

    [Test]
    public void Folder_OfArrays_HasTheirSplitsAndLabels()
    {
        WriteNpy("x_train-0.npy", 4, 3, 3);
        WriteNpy("x_train-1.npy", 2, 3, 3);
        WriteNpy("x_test.npy", 3, 3, 3);
        WriteNpy("y_train.npy", 6);
        WriteNpy("y_test.npy", 3);
        File.WriteAllText(Folder["readme.txt"], "");

        var data = ImageData.Open(Folder.Path);

        Assert.That((data.Train.Count, data.Test.Count, data.All.Count), Is.EqualTo((6L, 3L, 9L)));
        Assert.That(Enumerable.Range(0, 6).Select(i => data.Train.LabelOf(i)), Is.EqualTo(Enumerable.Range(0, 6)));
        byte[] pixels = new byte[9];
        data.Train.Read(5, pixels);
        Assert.That(pixels[0], Is.EqualTo(9), "the second image of the second file");
        Assert.That(data.PassedOver, Is.Empty);

        WriteNpy("x_train-2.npy", 2, 4, 4);
        Assert.That(() => ImageData.Open(Folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "The images of 'x_train-0.npy' are 1 x 3 x 3, those of 'x_train-2.npy' 1 x 4 x 4 (channels, height, width): they must be alike."));
    }

    [Test]
    public void ImagesOfFiveChannels_AreTrainedEvaluatedServedAndScored()
    {
        WriteNpy("x.npy", 20, 5, 16, 16);
        Support.Cli.Succeed(Train);

        Assert.That(Support.Cli.Succeed("evaluate", Folder["run"], "--importance-samples", "2"), Does.Contain("negativeElbo"));
        Support.Cli.Succeed("reconstruct", Folder["run"], "--data", Folder["x.npy"], "--split", "all", "--out", Folder["y.npy"]);
        Support.Cli.Succeed("generate", Folder["run"], "--count", "3", "--out", Folder["pictures"], "--grid", Folder["grid.png"]);
        Support.Cli.Succeed("score", Folder["run"], "--data", Folder["x.npy"], "--threshold", "0.9", "--map", Folder["map.npy"], "--out", Folder["scores.csv"]);

        Assert.That(Npy.Read(File.ReadAllBytes(Folder["y.npy"]), "y.npy").Shape, Is.EqualTo((long[])[20, 5, 16, 16]));
        Assert.That(Npy.Read(File.ReadAllBytes(Folder["map.npy"]), "map.npy").Shape, Is.EqualTo((long[])[20, 5, 16, 16]));
        Assert.That(File.ReadLines(Folder["scores.csv"]).Count(), Is.EqualTo(21));
        Assert.That(File.Exists(Folder["run/report.html"]));

        // Pictures show the channels next to each other.
        using var vae = TrainedVae.Load(Folder["run/export"]);
        var drawn = ImageData.Open(Folder["pictures"]).All;
        Assert.That((drawn.Channels, drawn.Height, drawn.Width), Is.EqualTo((1, 16, 80)));
        byte[] picture = new byte[drawn.ImageSize], pixels = new byte[5 * 16 * 16];
        drawn.Read(0, picture);
        Pixels.ToBytes(vae.Generate(count: 1, seed: 1), pixels);
        for (int i = 0; i < pixels.Length; i++)
        {
            Assert.That(picture[(i / 16 % 16 * 80) + (i / 256 * 16) + (i % 16)], Is.EqualTo(pixels[i]).Within(1));
        }
    }

    private void WriteNpy(string name, params long[] shape)
    {
        using var file = File.Create(Folder[name]);
        Npy.WriteHeader(file, "|u1", shape);
        file.Write([.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size)).Select(i => (byte)i)]);
    }
}
