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
    [TestCase(new long[] { 2, 5, 8, 9 }, ArrayLayout.Nchw, new[] { 5, 8, 9 })]
    [TestCase(new long[] { 2, 5, 8, 9 }, ArrayLayout.Nhwc, new[] { 9, 5, 8 })]
    [TestCase(new long[] { 2, 3, 8, 3 }, ArrayLayout.Nhwc, new[] { 3, 3, 8 })]
    public void Layout_IsToldByTheShapeOrGiven(long[] shape, ArrayLayout? layout, int[] expected)
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
            $"'{Folder["x.npy"]}' has shape [2, 5, 8, 9], which could be nchw [N, C, H, W] or nhwc [N, H, W, C] or ndhw [N, D, H, W]: say which layout it has."));
        Assert.That(Support.Cli.Run(Train).Error, Does.EndWith("or ndhw [N, D, H, W]: give it as --layout.\n"));
        var known = ImageData.Open(Folder["x.npy"], new ImageOptions { Channels = 9, Size = (5, 8) }).All;
        Assert.That((known.Channels, known.Height, known.Width), Is.EqualTo((9, 5, 8)), "the shape of a model tells, too");
        Assert.That(() => ImageData.Open(Folder["x.npy"], new ImageOptions { Layout = ArrayLayout.Nchw, Channels = 3 }), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "The images are 5 x 8 x 9 (channels, height, width), and should be 3 x 8 x 9: only images of pixels, in grayscale or color, are scaled."));
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

        Assert.That(data.Train.NameOf(5), Is.EqualTo("x_train-1-1"));

        // The numbers in names are numbers.
        WriteNpy("x_train-10.npy", 1, 3, 3);
        WriteNpy("x_train-2.npy", 1, 3, 3);
        WriteNpy("y_train.npy", 8);
        data = ImageData.Open(Folder.Path);
        Assert.That((data.Train.NameOf(6), data.Train.NameOf(7), data.Train.LabelOf(7)), Is.EqualTo(("x_train-2-0", "x_train-10-0", 7)));

        // Labels in as many files as images.
        File.Delete(Folder["y_train.npy"]);
        WriteNpy("y_train-0.npy", 4);
        WriteNpy("y_train-1.npy", 4);
        Assert.That(Enumerable.Range(0, 7).Select(i => ImageData.Open(Folder.Path).Train.LabelOf(i)), Is.EqualTo((int[])[0, 1, 2, 3, 0, 1, 2]));

        File.WriteAllText(Folder["x_train-3.npy"], "junk");
        Assert.That(() => ImageData.Open(Folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"'{Folder["x_train-3.npy"]}' is not a .npy file: it does not begin with NumPy's magic string."));
        File.Delete(Folder["x_train-3.npy"]);
        WriteNpy("x_train_masks.npy", 7, 3, 3);
        data = ImageData.Open(Folder.Path);
        Assert.That((data.Train.Count, data.PassedOver), Is.EqualTo((8L, (string[])["1 array 'x_train_masks.npy' (of shape [7, 3, 3], neither examples nor the labels of all of them)"])));
        WriteNpy("x_train-2.npy", 2, 4, 4);
        Assert.That(() => ImageData.Open(Folder.Path), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "The images of 'x_train-0.npy' are 1 x 3 x 3 (channels, height, width), the images of 'x_train-2.npy' 1 x 4 x 4 (channels, height, width): they must be alike."));
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

    [TestCase("<u2", false)]
    [TestCase(">u2", true)]
    public void ImagesOf16Bits_KeepThem(string type, bool channelsLast)
    {
        ushort[] values = [.. Enumerable.Range(0, 2 * 3 * 4 * 4).Select(i => (ushort)(i * 683))];
        WriteWords(type, values, channelsLast ? [2, 4, 4, 3] : [2, 3, 4, 4]);

        var images = ImageData.Open(Folder["x.npy"]).All;

        float[] read = new float[48];
        byte[] pixels = new byte[48];
        images.ReadImage(1, read);
        images.Read(1, pixels);
        int second = channelsLast ? 51 : 49; // the place of the second value of the second image
        Assert.That(images.BitDepth, Is.EqualTo(16));
        Assert.That(read[1], Is.EqualTo(values[second] / 65535f));
        Assert.That(pixels[1], Is.EqualTo(Math.Round(values[second] / 257.0)));
    }

    // Every other image differs in its lower 8 bits only.
    [TestCase("mlp", "gaussian-optimal")]
    [TestCase("vqvae", "gaussian")]
    public void ImagesOf16Bits_AreTrainedOnAllOfThem(string model, string likelihood)
    {
        ushort[] values = new ushort[40 * 64];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (ushort)((i * 37 % 200 * 256) + (i / 64 % 2 * 200));
        }

        WriteWords("<u2", values, [40, 8, 8]);
        Support.Cli.Succeed("train", "--data", Folder["x.npy"], "--model", model, "--likelihood", likelihood, "--batch", "4", "--steps", "20", "--importance-samples", "0", "--out", Folder["run"]);
        Assert.That(Support.Cli.Succeed("inspect", Folder["run"]), Does.Contain("Float32 in [0, 1]"));
        Support.Cli.Succeed("score", Folder["run"], "--data", Folder["x.npy"], "--out", Folder["scores.csv"], "--map", Folder["map.npy"]);
        Support.Cli.Succeed("reconstruct", Folder["run"], "--data", Folder["x.npy"], "--split", "all", "--float", "--out", Folder["y.npy"]);

        // What was scored has all bits: rounded, the same image has another score.
        var images = ImageData.Open(Folder["x.npy"]).All;
        float[] exact = new float[64], rounded = new float[64];
        byte[] pixels = new byte[64];
        images.ReadImage(1, exact);
        images.Read(1, pixels);
        Pixels.ToFloat(pixels, rounded);
        using var scorer = VaeScorer.Load(Folder["run/export/scorer.onnx"]);
        float stored = float.Parse(File.ReadLines(Folder["scores.csv"]).ElementAt(2).Split(',')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(scorer.Score(exact, first: 1)[0], Is.EqualTo(stored).Within(1e-3 * Math.Abs(stored)));
        Assert.That(scorer.ScoreAll(exact)[ScoreKind.SquaredError][0], Is.Not.EqualTo(scorer.ScoreAll(rounded)[ScoreKind.SquaredError][0]));

        // Dark images are on the scale of those that the model knows.
        WriteWords("<u2", new ushort[2 * 64], [2, 8, 8], "black.npy");
        WriteWords("<u2", [.. Enumerable.Repeat((ushort)200, 2 * 64)], [2, 8, 8], "dark.npy");
        Support.Cli.Succeed("score", Folder["run"], "--data", Folder["black.npy"], "--out", Folder["black.csv"]);
        Support.Cli.Succeed("score", Folder["run"], "--data", Folder["dark.npy"], "--out", Folder["dark.csv"]);
        Assert.That(ScoreIn("dark.csv"), Is.EqualTo(ScoreIn("black.csv")).Within(0.05 * Math.Abs(ScoreIn("black.csv"))));

        double ScoreIn(string file) => double.Parse(File.ReadLines(Folder[file]).ElementAt(1).Split(',')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Test]
    public void ArraysOf16Bits_AreOnOneScale()
    {
        WriteWords("<u2", [.. Enumerable.Repeat((ushort)200, 2 * 9)], [2, 3, 3], "x-0.npy");
        WriteWords("<u2", [.. Enumerable.Repeat((ushort)60000, 2 * 9)], [2, 3, 3], "x-1.npy");

        var images = ImageData.Open(Folder.Path).All;

        float[] read = new float[9];
        images.ReadImage(0, read);
        Assert.That((images.BitDepth, read[0]), Is.EqualTo((16, 200 / 65535f)));
    }

    [Test]
    public void ImagesOf16Bits_AreNoDiscretizedLogistic()
    {
        WriteWords("<u2", [.. Enumerable.Range(0, 20 * 16).Select(i => (ushort)(i * 200))], [20, 4, 4]);

        Assert.That(Support.Cli.Run("train", "--data", Folder["x.npy"], "--likelihood", "discretized-logistic", "--batch", "4", "--out", Folder["run"]).Error, Does.StartWith(
            "onnxvae: The likelihood 'discretized-logistic' is for 8-bit pixels, but the examples have 16 bits: give --likelihood gaussian-learned, or leave it out."));
    }

    private void WriteWords(string type, ushort[] values, long[] shape, string name = "x.npy") => TestImages.WriteArray(Folder[name], type, shape, values.Select(value => (double)value));

    private void WriteNpy(string name, params long[] shape) => TestImages.WriteNpy(Folder[name], shape);
}
