using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Exact;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Cli;

/// <summary>Arrays of numbers of any kind, from training to scores; linear-Gaussian data against the exact Gaussian in the data's units.</summary>
internal sealed class ArraysTests : FolderFixture
{
    private const int Count = 400, Latents = 2;
    private const double LogSigmaFloor = -6;

    // With the weights of probabilistic PCA the posterior is exact, so that every importance weight is P(y).
    [TestCase("<f4", new[] { 30 }, "standard", null)]
    [TestCase(">f8", new[] { 30 }, "minmax", null)]
    [TestCase("<f4", new[] { 30 }, "none", null)]
    [TestCase("<f4", new[] { 1, 256 }, null, null)]
    [TestCase("<f4", new[] { 5, 6, 6 }, null, null)]
    [TestCase("<f4", new[] { 6, 6, 5 }, null, "nhwc")]
    [TestCase("<i4", new[] { 2, 4, 4, 4 }, null, "ncdhw")]
    [TestCase("<u2", new[] { 1, 6, 6 }, null, null)]
    [TestCase("<u2", new[] { 1, 6, 6 }, "standard", null)]
    public void LinearGaussianData_HasTheExactDensityInItsUnits(string type, int[] shape, string? scale, string? layout)
    {
        Write("x.npy", type, shape, LinearGaussian(shape, type));
        string[] given = [.. scale is null ? [] : (string[])["--scale", scale], .. layout is null ? [] : (string[])["--layout", layout]];
        string[] train = ["train", "--data", Folder["x.npy"], "--model", "linear", "--likelihood", "gaussian-learned", "--latent", $"{Latents}", "--batch", "20", "--steps", "1", "--learning-rate", "1e-9", .. given];
        Support.Cli.Succeed([.. train, "--importance-samples", "0", "--out", Folder["run"]]);
        var data = ImageData.Open(Folder["x.npy"], new ImageOptions { IsReal = type == "<u2" && scale is null ? null : true, Layout = layout is null ? null : Enum.Parse<ArrayLayout>(layout, ignoreCase: true) });
        var (offsets, scales) = ScalingOf("run");
        var exact = Fit(data.Train, offsets, scales);
        WriteWeights(exact);

        Support.Cli.Succeed([.. train, "--from", Folder["weights.safetensors"], "--importance-samples", "0", "--out", Folder["exact"]]);
        var metrics = JsonNode.Parse(Support.Cli.Succeed("evaluate", Folder["exact"], "--importance-samples", "100", "--json"))!;
        Support.Cli.Succeed("score", Folder["exact"], "--data", Folder["x.npy"], "--samples", "64", "--out", Folder["scores.csv"], "--map", Folder["map.npy"]);
        Support.Cli.Succeed("reconstruct", Folder["exact"], "--data", Folder["x.npy"], "--split", "all", "--float", "--out", Folder["y.npy"], "--grid", Folder["y.png"]);
        Support.Cli.Succeed("generate", Folder["exact"], "--count", "4000", "--float", "--out", Folder["drawn.npy"], "--grid", Folder["drawn.png"]);

        // ln P(y) of the Gaussian with covariance S (W W' + sigma^2 I) S.
        double normalizer = scales.Sum(Math.Log) + (0.5 * exact.Mean.Count * Math.Log(2 * Math.PI));
        var density = ((exact.Weights * exact.Weights.Transpose()) + (exact.Variance * Matrix<double>.Build.DenseIdentity(exact.Mean.Count))).Cholesky();
        double Density(double[] values)
        {
            var difference = Scaled(values, offsets, scales) - exact.Mean;
            return (0.5 * (density.DeterminantLn + difference.DotProduct(density.Solve(difference)))) + normalizer;
        }

        double[] ofTest = [.. Enumerable.Range(0, (int)data.Test.Count).Select(i => Density(Values(data.Test, i)))];
        Assert.That((double)metrics["negativeLogLikelihood"]!, Is.EqualTo(ofTest.Average()).Within(2e-4 * exact.Mean.Count));
        Assert.That((double)metrics["negativeElbo"]!, Is.EqualTo(ofTest.Average()).Within(0.6), "one sample of the latents for each example");
        Assert.That((double)metrics["bitsPerDimension"]!, Is.EqualTo((double)metrics["negativeElbo"]! / exact.Mean.Count / Math.Log(2)).Within(1e-3));

        string[] rows = [.. File.ReadLines(Folder["scores.csv"]).Skip(1)];
        double[][] reconstructed = ReadRows("y.npy"), drawn = ReadRows("drawn.npy"), map = ReadRows("map.npy");
        for (int i = 0; i < Count; i += 37)
        {
            double[] values = Values(data.All, i), fields = [.. rows[i].Split(',').Select(field => double.Parse(field, CultureInfo.InvariantCulture))];
            Assert.That(fields[2], Is.EqualTo(Density(values)).Within(2e-4 * values.Length), "negativeLogLikelihood");
            Assert.That(map[i].Sum(), Is.EqualTo(fields[3]).Within(1e-3 * values.Length), "the map adds up to the distortion");
            var expected = InUnits((exact.Weights * exact.Posterior(Scaled(values, offsets, scales)).Mean) + exact.Mean, offsets, scales);
            Assert.That(Enumerable.Range(0, values.Length).Max(k => Math.Abs(reconstructed[i][k] - expected[k]) / scales[k]), Is.LessThan(1e-3), "the reconstruction");
        }

        // Draws have the mean and the variances of S W z + mean.
        for (int k = 0; k < exact.Mean.Count; k += 7)
        {
            double mean = (exact.Mean[k] * scales[k]) + offsets[k], variance = exact.Weights.Row(k).DotProduct(exact.Weights.Row(k)) * scales[k] * scales[k];
            double drawnMean = drawn.Average(row => row[k]), drawnVariance = drawn.Average(row => (row[k] - drawnMean) * (row[k] - drawnMean));
            Assert.That(drawnMean, Is.EqualTo(mean).Within((5 * Math.Sqrt(variance / drawn.Length)) + 1e-6), $"mean of value {k}");
            Assert.That(drawnVariance, Is.EqualTo(variance).Within((0.2 * variance) + 1e-9), $"variance of value {k}");
        }
    }

    [TestCase("conv", new[] { 2, 40 }, new string[0])]
    [TestCase("conv", new[] { 5, 16, 16 }, new string[0])]
    [TestCase("residual", new[] { 1, 32 }, new string[0])]
    [TestCase("conv", new[] { 1, 9, 10, 11 }, new string[0])]
    [TestCase("residual", new[] { 1, 4, 4, 4 }, new string[0])]
    [TestCase("mlp", new[] { 12 }, new[] { "--prior", "vamp", "--pseudo-images", "5" })]
    [TestCase("mlp", new[] { 3, 20 }, new[] { "--rounded" })]
    [TestCase("vqvae", new[] { 2, 8, 8 }, new[] { "--likelihood", "gaussian" })]
    public void Networks_TakeSeriesVolumesAndVectors(string model, int[] shape, string[] further)
    {
        Write("x.npy", "<f4", shape, LinearGaussian(shape, "<f4", count: 40));
        string[] layout = shape is [_, _] ? ["--layout", "ncl"] : shape.Length == 3 ? ["--layout", "nchw"] : [];

        Support.Cli.Succeed(["train", "--data", Folder["x.npy"], "--model", model, "--batch", "8", "--steps", "4", "--importance-samples", "2", "--out", Folder["run"], .. layout, .. further]);
        Support.Cli.Succeed("evaluate", Folder["run"], "--data", Folder["x.npy"]);
        Support.Cli.Succeed("encode", Folder["run"], "--data", Folder["x.npy"], "--out", Folder["z.npy"]);
        Support.Cli.Succeed("score", Folder["run"], "--data", Folder["x.npy"], "--threshold", "0.9", "--out", Folder["scores.csv"]);
        Support.Cli.Succeed("generate", Folder["run"], "--count", "10", "--out", Folder["drawn.npy"], "--grid", Folder["drawn.png"]);
        Support.Cli.Succeed("export", Folder["run"], "--for", "cpu", "--out", Folder["tuned"]);
        Support.Cli.Succeed("generate", Folder["tuned"], "--count", "10", "--out", Folder["tuned.npy"]);

        Assert.That(Npy.Read(File.ReadAllBytes(Folder["drawn.npy"]), "drawn.npy").Shape, Is.EqualTo((long[])[10, .. shape.Select(size => (long)size)]));
        double[] portable = [.. ReadRows("drawn.npy").SelectMany(row => row)], tuned = [.. ReadRows("tuned.npy").SelectMany(row => row)];
        Assert.That(tuned.Zip(portable).Max(pair => Math.Abs(pair.First - pair.Second)), Is.LessThan(1e-3 * portable.Max(Math.Abs)));
        Assert.That(File.Exists(Folder["run/report.html"]) && Directory.EnumerateFiles(Folder["run/samples"]).Count() >= 2);
    }

    [Test]
    public void Vectors_WithLabels_AreConditionsLikeThoseOfImages()
    {
        Directory.CreateDirectory(Folder["data"]);
        Write("data/x_train.npy", "<f4", [12], LinearGaussian([12], "<f4"));
        Write("data/y_train.npy", "<i8", [], [.. Enumerable.Range(0, Count).Select(i => (double)(i % 3))]);

        Support.Cli.Succeed("train", "--data", Folder["data"], "--model", "mlp", "--condition", "label", "--batch", "20", "--steps", "4", "--importance-samples", "0", "--out", Folder["run"]);
        Support.Cli.Succeed("generate", Folder["run"], "--class", "2", "--count", "5", "--out", Folder["drawn.npy"]);
        Support.Cli.Succeed("classifier", Folder["run"], "--model", "mlp", "--steps", "4");
        Support.Cli.Succeed("evaluate", Folder["run"]);

        Assert.That(ReadRows("drawn.npy")[0], Has.Length.EqualTo(12));
    }

    // The same images in other units: the model is the same, and what it gives is in the units that it was trained in.
    [TestCase("mlp", "mask")]
    [TestCase("mlp", null)]
    [TestCase("vqvae", null)]
    public void UnitsOfTheData_ChangeNothingElse(string model, string? condition)
    {
        const double Unit = 64, Offset = 8; // exact in binary, so that standardized values are the same
        double[] values = [.. LinearGaussian([1, 8, 8], "<f4", count: 60).Select(value => Math.Round(value * 16) / 16)];
        string[] train = ["--model", model, "--likelihood", "squared-error", "--lambda", "0.5", "--scale", "standard", "--batch", "8", "--steps", "30", "--importance-samples", "0", .. condition is null ? [] : (string[])["--condition", condition]];
        var metrics = new List<JsonNode>();
        foreach (var (name, unit, offset) in ((string, double, double)[])[("small", 1, 0), ("large", Unit, Offset)])
        {
            Write($"{name}.npy", "<f8", [1, 8, 8], [.. values.Select(value => (unit * value) + offset)]);
            Support.Cli.Succeed(["train", "--data", Folder[$"{name}.npy"], .. train, "--out", Folder[name]]);
            metrics.Add(JsonNode.Parse(Support.Cli.Succeed("evaluate", Folder[name], "--json"))!);
            Support.Cli.Succeed("reconstruct", Folder[name], "--data", Folder[$"{name}.npy"], "--split", "all", "--out", Folder[$"{name}-y.npy"]);
            Support.Cli.Succeed("score", Folder[name], "--data", Folder[$"{name}.npy"], "--score", "distortion", "--out", Folder[$"{name}-scores.npy"]);
        }

        double hidden = (double?)metrics[0]["unknownValues"] ?? 64;
        Assert.That((double)metrics[1]["distortion"]! - (double)metrics[0]["distortion"]!, Is.EqualTo(hidden * Math.Log(Unit)).Within(0.02));
        Assert.That((double)metrics[1]["rate"]!, Is.EqualTo((double)metrics[0]["rate"]!).Within(1e-3 + (1e-3 * (double)metrics[0]["rate"]!)));
        string error = model == "vqvae" ? "meanSquaredError" : "squaredError";
        Assert.That((double)metrics[1][error]!, Is.EqualTo(Unit * Unit * (double)metrics[0][error]!).Within(0.2).Percent);
        double[] small = [.. ReadRows("small-y.npy").SelectMany(row => row)], large = [.. ReadRows("large-y.npy").SelectMany(row => row)];
        Assert.That(small.Zip(large).Max(pair => Math.Abs(pair.Second - (Unit * pair.First) - Offset)), Is.LessThan(0.01 * Unit));
        if (condition == "mask")
        {
            Assert.That(small.Zip(values).Count(pair => Math.Abs(pair.First - pair.Second) < 1e-5), Is.InRange(0.3 * values.Length, 0.8 * values.Length), "what is visible stays as it is");
        }
        else
        {
            double[] differences = [.. ReadRows("small-scores.npy").Zip(ReadRows("large-scores.npy"), (one, other) => other[0] - one[0])];
            Assert.That(differences, Is.All.EqualTo(64 * Math.Log(Unit)).Within(0.05));
        }
    }

    // Numbers from 0 to 1 that are not multiples of 1/255 are images like any others.
    [Test]
    public void NumbersFrom0To1_AreScaledResumedAndColored()
    {
        Write("x.npy", "<f4", [3, 16, 16], [.. LinearGaussian([3, 16, 16], "<f4", count: 40).Select(value => 1 / (1 + Math.Exp(-value / 20)))]);
        string[] train = ["train", "--data", Folder["x.npy"], "--model", "mlp", "--image-size", "8", "--batch", "8", "--importance-samples", "0", "--out", Folder["run"]];
        Support.Cli.Succeed([.. train, "--steps", "3"]);
        Support.Cli.Succeed("train", "--resume", "--steps", "5", "--out", Folder["run"]);
        Support.Cli.Succeed("train", "--data", Folder["x.npy"], "--model", "colorization", "--segments", "3", "--batch", "8", "--steps", "3", "--out", Folder["colors"]);
        Support.Cli.Succeed("train", "--data", Folder["x.npy"], "--model", "mlp", "--batch", "8", "--steps", "3", "--importance-samples", "0", "--out", Folder["exact"]);

        using VaeEncoder scaled = VaeEncoder.Load(Folder["run/export/encoder.onnx"]), exact = VaeEncoder.Load(Folder["exact/export/encoder.onnx"]);
        Assert.That((scaled.Metadata.BitDepth, exact.Metadata.BitDepth, exact.Metadata.HasPictures), Is.EqualTo((8, 32, true)));
        Support.Cli.Succeed("generate", Folder["exact"], "--count", "3", "--out", Folder["pictures"]);
        Assert.That(Directory.GetFiles(Folder["pictures"], "*.png"), Has.Length.EqualTo(3));
    }

    [Test]
    public void SeveralArraysOfVectors_AreToldByTheirNames()
    {
        Directory.CreateDirectory(Folder["data"]);
        Write("data/ids.npy", "<i4", [2], LinearGaussian([2], "<i4"));
        Write("data/x.npy", "<f4", [12], LinearGaussian([12], "<f4"));
        Assert.That(ImageData.Open(Folder["data"]).All.Shape.Channels, Is.EqualTo(12));

        File.Move(Folder["data/x.npy"], Folder["data/other.npy"]);
        Assert.That(() => ImageData.Open(Folder["data"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["data"]}' holds several arrays that could be the vectors: 'ids.npy', 'other.npy'. Call one x or data, or give it alone."));
    }

    [Test]
    public void ConstantColumns_AreNamed()
    {
        double[] values = LinearGaussian([12], "<f4");
        for (int i = 0; i < Count; i++)
        {
            (values[(i * 12) + 3], values[(i * 12) + 7]) = (0.5, 0);
        }

        Write("x.npy", "<f4", [12], values);
        Assert.That(Error("train", "--model", "mlp"), Is.EqualTo(
            "Columns 3, 7, counted from 0, have one value each as float32 in all 360 training vectors, which cannot be brought to a scale: leave them out of the data, or give --scale none."));
        Support.Cli.Succeed("train", "--data", Folder["x.npy"], "--model", "mlp", "--scale", "none", "--batch", "20", "--steps", "2", "--out", Folder["run"]);
    }

    [TestCase(new[] { 12 }, "--model conv", "The network 'conv' convolves series, images and volumes, but the examples are vectors of 12 columns: give --model mlp, or linear.")]
    [TestCase(new[] { 1, 64 }, "--model vqvae --likelihood gaussian", "The examples are series of 1 x 64 (channels, length), but codes are for images: give --model mlp, conv, linear or residual.")]
    [TestCase(new[] { 12 }, "--model mlp --likelihood bernoulli", "The likelihood 'bernoulli' is for values from 0 to 1, and those of the examples are any numbers: give --likelihood gaussian-learned, or leave it out.")]
    [TestCase(new[] { 12 }, "--model mlp --scale minmax --likelihood continuous-bernoulli", "The likelihood 'continuous-bernoulli' is for values from 0 to 1, and those of other examples may lie outside: give --likelihood gaussian-learned, or leave it out.")]
    [TestCase(new[] { 12 }, "--model mlp --likelihood discretized-logistic", "The likelihood 'discretized-logistic' is for 8-bit pixels, but the examples are real numbers: give --likelihood gaussian-learned, or leave it out.")]
    [TestCase(new[] { 1, 64 }, "--model mlp --likelihood dissimilarity", "The likelihood 'dissimilarity' is for images, but the examples are series of 1 x 64 (channels, length): give --likelihood gaussian-learned, or leave it out.")]
    [TestCase(new[] { 12 }, "--model mlp --pixels threshold", "Values are made 0 or 1 (Threshold) if they are from 0 to 1, and those of the examples are any numbers: leave --pixels out.")]
    [TestCase(new[] { 1, 64 }, "--model conv --condition mask", "The examples are series of 1 x 64 (channels, length), but a mask is for images.")]
    [TestCase(new[] { 1, 64 }, "--model mlp --random-flip", "The examples are series; --random-flip, --random-crop, --random-shift and --random-rotation are for images: leave them out.")]
    [TestCase(new[] { 12 }, "--model mlp --image-size 8", "The vectors are 12 (columns), and should be 12 x 8 x 8: only images of pixels, in grayscale or color, are scaled.")]
    [TestCase(new[] { 12 }, "--model mlp --binarize", "'{0}' holds real numbers: only pixels can be drawn as black or white.")]
    [TestCase(new[] { 7, 9 }, "--model mlp", "'{0}' has shape [400, 7, 9], and numbers that are not pixels, which could be ncl [N, C, L] or nlc [N, L, C] or nhw [N, H, W]: give it as --layout.")]
    [TestCase(new[] { 7, 9 }, "--model mlp --layout nchw", "'{0}' has shape [400, 7, 9], and not the 4 axes of the layout nchw: give another layout, or none.")]
    public void Model_OfOtherExamples_IsRefused(int[] shape, string options, string message)
    {
        Write("x.npy", "<f4", shape, LinearGaussian(shape, "<f4"));

        Assert.That(Error(["train", .. options.Split(' ')]), Is.EqualTo(message.Replace("{0}", Folder["x.npy"], StringComparison.Ordinal)));
    }

    [Test]
    public void Data_OfOneExample_IsTooFew()
    {
        Write("x.npy", "<f4", [12], LinearGaussian([12], "<f4", count: 1));

        Assert.That(Error("train", "--model", "mlp", "--batch", "1"), Is.EqualTo($"'{Folder["x.npy"]}' has 1 training vectors and none to evaluate the model on: give at least two, or a test split."));
    }

    [Test]
    public void Arrays_OfMixedTypes_AreRefused()
    {
        Directory.CreateDirectory(Folder["data"]);
        Write("data/x_train.npy", "<f4", [12], LinearGaussian([12], "<f4"));
        Write("data/x_test.npy", "<i4", [12], LinearGaussian([12], "<i4"));

        Assert.That(Support.Cli.Run("train", "--data", Folder["data"], "--model", "mlp", "--out", Folder["run"]).Error, Is.EqualTo(
            "onnxvae: 'x_train.npy' holds float32, 'x_test.npy' int32: numbers of one data set must be of one type, lest they have different units. Convert one of them.\n"));
    }

    [Test]
    public void Labels_OfUnequalLength_AreRefused()
    {
        Directory.CreateDirectory(Folder["data"]);
        Write("data/x_train.npy", "<f4", [12], LinearGaussian([12], "<f4"));
        Write("data/y_train.npy", "<i8", [], [.. Enumerable.Range(0, Count - 1).Select(i => (double)(i % 3))]);

        Assert.That(() => ImageData.Open(Folder["data"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["data"]}' has 400 vectors of the train split, but 399 labels for them in 'y_train.npy': give one for each, or leave the labels out."));
    }

    [Test]
    public void ModelOfNumbers_TakesNoPictures()
    {
        Write("x.npy", "<f4", [1, 8, 8], LinearGaussian([1, 8, 8], "<f4"));
        Support.Cli.Succeed("train", "--data", Folder["x.npy"], "--model", "mlp", "--batch", "20", "--steps", "2", "--importance-samples", "0", "--out", Folder["run"]);

        Assert.That(Support.Cli.Run("encode", Folder["run"], "--data", "sprites", "--out", Folder["z.npy"]).Error, Is.EqualTo(
            "onnxvae: 'sprites' holds images of pixels; real numbers in units of their own come from a .npy, a .npz, a folder of .npy, or sound.\n"));
        Assert.That(Support.Cli.Run("generate", Folder["run"], "--out", Folder["images"]).Error, Is.EqualTo(
            $"onnxvae: --out is '{Folder["images"]}', but the model's examples, 1 x 8 x 8, are numbers in units of their own: give a .npy.\n"));
        Assert.That(Support.Cli.Run("serve", Folder["run"]).Error, Does.StartWith("onnxvae: The page shows pictures, but the model's examples, 1 x 8 x 8, are numbers"));
        Assert.That(Support.Cli.Run("traverse", Folder["run"], "--out", Folder["lines"]).Error, Does.StartWith("onnxvae: --out is "));
        using var encoder = VaeEncoder.Load(Folder["run/export/encoder.onnx"]);
        using var decoder = VaeDecoder.Load(Folder["run/export/decoder.onnx"]);
        Assert.That(() => decoder.Decode(new float[10], new byte[64]), Throws.ArgumentException.With.Message.StartsWith("The decoder takes or gives real numbers in the data's units, not pixels: use Float32."));
        Assert.That(() => encoder.Encode(new byte[64]), Throws.ArgumentException.With.Message.StartsWith("The encoder takes or gives real numbers in the data's units, not pixels: use Float32."));
        Assert.That(() => encoder.Encode([.. Enumerable.Repeat(float.NaN, 64)]), Throws.ArgumentException.With.Message.StartsWith("Value 0 of image 0 is NaN; values must be finite: leave that example out."));
    }

    private string Error(string verb, params string[] options)
    {
        string error = Support.Cli.Run([verb, "--data", Folder["x.npy"], .. options, "--out", Folder["run"]]).Error;
        return error.StartsWith("onnxvae: ", StringComparison.Ordinal) ? error["onnxvae: ".Length..].TrimEnd() : error;
    }

    private string Error(string[] command) => Error(command[0], command[1..]);

    // In units of its own for each value of the first axis, or for all of 16-bit images.
    private static double[] LinearGaussian(int[] shape, string type, int count = Count)
    {
        int size = shape.Aggregate((product, length) => product * length);
        var random = new Random(5);
        double[] factors = [.. Enumerable.Range(0, size * Latents).Select(_ => Normal(random))];
        var values = new double[count * size];
        for (int i = 0; i < count; i++)
        {
            double[] z = [.. Enumerable.Range(0, Latents).Select(_ => Normal(random))];
            for (int k = 0; k < size; k++)
            {
                double value = (factors[k * Latents] * z[0]) + (factors[(k * Latents) + 1] * z[1]) + (0.5 * Normal(random)), unit = k * shape[0] / size;
                values[(i * size) + k] = type == "<u2" ? Math.Clamp(Math.Round(32768 + (2000 * value)), 0, 65535)
                    : type == "<i4" ? Math.Round((1000 * unit) + (100 * (unit + 1) * value))
                    : (10 * unit) - 50 + ((unit + 1) * value);
            }
        }

        return values;
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private void Write(string name, string type, int[] shape, double[] values)
    {
        int size = shape.Aggregate(1, (product, length) => product * length);
        TestImages.WriteArray(Folder[name], type, [values.Length / size, .. shape.Select(length => (long)length)], values);
    }

    // Of each value.
    private (double[] Offsets, double[] Scales) ScalingOf(string run)
    {
        using var encoder = VaeEncoder.Load(Folder[$"{run}/export/encoder.onnx"]);
        int size = encoder.Metadata.ImageSize, perChannel = size / encoder.Metadata.Channels;
        return encoder.Metadata.Scaling is { } scaling
            ? ([.. Enumerable.Range(0, size).Select(k => (double)scaling.Offsets[k / perChannel])], [.. Enumerable.Range(0, size).Select(k => (double)scaling.Scales[k / perChannel])])
            : (new double[size], [.. Enumerable.Repeat(1.0, size)]);
    }

    private static ProbabilisticPca Fit(ImageSource train, double[] offsets, double[] scales)
    {
        var (mean, covariance) = Moments.Of(Enumerable.Range(0, (int)train.Count).Select(i => Scaled(Values(train, i), offsets, scales).ToArray()));
        return ProbabilisticPca.Fit(mean, covariance, Latents);
    }

    private static double[] Values(ImageSource source, long index)
    {
        var values = new float[source.ImageSize];
        source.ReadImage(index, values);
        return [.. values.Select(value => (double)value)];
    }

    private static Vector<double> Scaled(double[] values, double[] offsets, double[] scales) =>
        Vector<double>.Build.Dense(values.Length, k => (values[k] - offsets[k]) / scales[k]);

    private static double[] InUnits(Vector<double> values, double[] offsets, double[] scales) => [.. values.Select((value, k) => (value * scales[k]) + offsets[k])];

    private double[][] ReadRows(string name)
    {
        var (_, shape, content) = Npy.Read(File.ReadAllBytes(Folder[name]), name);
        return [.. MemoryMarshal.Cast<byte, float>(content.Span).ToArray().Chunk((int)shape.Skip(1).Aggregate(1L, (product, length) => product * length)).Select(row => row.Select(value => (double)value).ToArray())];
    }

    // The exact posterior N(M^-1 W' (y - mu), sigma^2 M^-1), whose covariance is diagonal since the columns of W are orthogonal.
    private void WriteWeights(ProbabilisticPca exact)
    {
        var inner = (exact.Weights.Transpose() * exact.Weights) + (exact.Variance * Matrix<double>.Build.DenseIdentity(Latents));
        var encoder = inner.Inverse() * exact.Weights.Transpose();
        var states = TrainingPackage.Open(Folder["run/package"]).Manifest.States.Where(state => state.Role == StateRole.Parameter);
        Safetensors.Save(Folder["weights.safetensors"], states.ToDictionary(state => state.Name, state =>
        {
            bool isEncoder = state.Name.StartsWith("encoder", StringComparison.Ordinal);
            double[] values = state.Name switch
            {
                "likelihood.logSigma" => [Math.Log(Math.Exp((0.5 * Math.Log(exact.Variance)) - LogSigmaFloor) - 1) + LogSigmaFloor],
                _ when state.Name.EndsWith("logVar", StringComparison.Ordinal) => [.. inner.Inverse().Diagonal().Select(value => Math.Log(exact.Variance * value))],
                _ when state.Name.EndsWith("weight", StringComparison.Ordinal) => (isEncoder ? encoder : exact.Weights).ToRowMajorArray(),
                _ => isEncoder ? (-(encoder * exact.Mean)).ToArray() : exact.Mean.ToArray(),
            };
            return Tensor.From<float>(state.Shape, [.. values.Select(value => (float)value)]);
        }));
    }
}
