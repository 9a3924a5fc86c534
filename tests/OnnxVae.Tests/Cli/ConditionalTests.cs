using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>Conditional models from the command line.</summary>
internal sealed class ConditionalTests : FolderFixture
{
    private static readonly string[] Small = ["--model", "mlp", "--hidden", "32", "--latent", "4", "--batch", "16", "--steps", "60", "--importance-samples", "2", "--checkpoint-every", "30"];
    private static readonly TemporaryFolder Trained = new();
    private static readonly RunFolder Labels = new(Trained["labels"]), Vectors = new(Trained["vectors"]), Masks = new(Trained["masks"]);

    [OneTimeSetUp]
    public void Train()
    {
        WriteImages(Trained["data.npz"], count: 60);
        WriteConditions(Trained["conditions.npy"], count: 60, size: 3);
        Support.Cli.Succeed(["train", "--data", Trained["data.npz"], "--condition", "label", "--prior", "conditional", .. Small, "--out", Labels.Path]);
        Support.Cli.Succeed(["train", "--data", Trained["data.npz"], "--condition", Trained["conditions.npy"], .. Small, "--out", Vectors.Path]);
        Support.Cli.Succeed(["train", "--data", Trained["data.npz"], "--condition", "mask", .. Small, "--out", Masks.Path]);
    }

    [OneTimeTearDown]
    public void DeleteTrained() => Trained.Dispose();

    [Test]
    public void Generate_OfAClass_GivesThatClassToEveryImage()
    {
        Support.Cli.Succeed("generate", Labels.Path, "--class", "1", "--count", "5", "--out", Folder["ones.npy"]);
        Support.Cli.Succeed("generate", Labels.Path, "--count", "5", "--out", Folder["each.npy"]);

        using var vae = TrainedVae.Load(Labels.Export);
        Assert.That(Pixels("ones.npy"), Is.EqualTo(ToPixels(vae.GivenClass("1").Generate(5, seed: 1))));
        Assert.That(Pixels("each.npy"), Is.EqualTo(ToPixels(vae.Given(vae.Decoder.Metadata.Condition!.OfLabels([0, 1, 0, 1, 0])).Generate(5, seed: 1))), "each class in turn");
    }

    [Test]
    public void Encode_GivesEachImageItsOwn([Values("labels", "vectors")] string kind)
    {
        string run = kind == "labels" ? Labels.Path : Vectors.Path;
        string[] given = kind == "labels" ? [] : ["--condition", Trained["conditions.npy"]];
        Support.Cli.Succeed(["encode", run, "--data", Trained["data.npz"], .. given, "--values", "mean", "--out", Folder["z.npy"]]);

        using var encoder = VaeEncoder.Load(new RunFolder(run).Export + "/encoder.onnx");
        var images = ImageData.Open(Trained["data.npz"]).WithConditions(ImageConditions.Read(Trained["conditions.npy"])).All;
        var pixels = new byte[images.ImageSize];
        images.Read(41, pixels);
        var one = new SelectedOne(images, 41);
        float[] expected = encoder.Given(ConditionReader.For(one, encoder.Metadata.Condition!)).Encode(pixels).Mean;
        var (_, shape, data) = Npy.Read(File.ReadAllBytes(Folder["z.npy"]), "z.npy");
        Assert.That(shape, Is.EqualTo((long[])[60, 4]));
        Assert.That(Numbers.RelativeError(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data.Span).Slice(41 * 4, 4).ToArray(), expected), Is.LessThan(1e-5));
    }

    // The rows are those of all data, whichever split is encoded.
    [Test]
    public void Encode_OfASplit_TakesTheRowsOfItsImages()
    {
        var data = ImageData.Open(Trained["data.npz"]);
        var conditions = ImageConditions.Read(Trained["conditions.npy"]);

        var test = data.WithConditions(conditions).Test;
        Support.Cli.Succeed("encode", Vectors.Path, "--data", Trained["data.npz"], "--split", "test", "--condition", Trained["conditions.npy"], "--values", "mean", "--out", Folder["test.npy"]);

        var (pixels, condition) = (new byte[64], new float[3]);
        test.Read(2, pixels);
        test.ReadCondition(2, condition);
        using var encoder = VaeEncoder.Load(Vectors.Export + "/encoder.onnx");
        float[] expected = encoder.Given(Condition.Of(condition)).Encode(pixels).Mean;
        var (_, _, latents) = Npy.Read(File.ReadAllBytes(Folder["test.npy"]), "test.npy");
        Assert.That(Numbers.RelativeError(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(latents.Span).Slice(2 * 4, 4).ToArray(), expected), Is.LessThan(1e-5));
    }

    [Test]
    public void Conditions_OfAnyNumpyLayout_AreTheSame()
    {
        float[] values = Numbers.StandardNormal(6, seed: 1);
        using (var plain = File.Create(Folder["plain.npy"]))
        {
            Npy.Write(plain, values, 2, 3);
        }

        byte[] fortran = [.. "\u0093NUMPY".Select(c => (byte)c), 1, 0, 118, 0, .. "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }".PadRight(117).Select(c => (byte)c), (byte)'\n'];
        byte[] columns = [.. ((int[])[0, 3, 1, 4, 2, 5]).SelectMany(i => BitConverter.GetBytes((double)values[i]).Reverse())];
        File.WriteAllBytes(Folder["fortran.npy"], [.. fortran, .. columns]);

        var (one, other) = (ImageConditions.Read(Folder["plain.npy"]), ImageConditions.Read(Folder["fortran.npy"]));

        Assert.That((other[0].ToArray(), other[1].ToArray()), Is.EqualTo((one[0].ToArray(), one[1].ToArray())));
        Assert.That(one[1].ToArray(), Is.EqualTo(values[3..]));
    }

    // What a mask shows is part of the job, not only its name.
    [Test]
    public void Complete_WithAnotherMaskOfTheSameName_IsAnotherJob()
    {
        string[] job = ["generate", Masks.Path, "--data", Trained["data.npz"], "--split", "test", "--mask", Folder["mask.png"], "--completions", "1", "--out", Folder["job"]];
        WriteMask(Folder["mask.png"]);
        Support.Cli.Succeed(job);
        WriteMask(Folder["mask.png"], visible: 16);

        Assert.That(Support.Cli.Run(job).Error, Does.Contain("belongs to another job"));
    }

    [Test]
    public void Verbs_TakeTheCondition()
    {
        WriteConditions(Folder["one.npy"], count: 1, size: 3);

        Support.Cli.Succeed("traverse", Labels.Path, "--class", "0", "--out", Folder["t.png"]);
        Support.Cli.Succeed("traverse", Vectors.Path, "--condition", Folder["one.npy"], "--data", Trained["data.npz"], "--split", "all", "--out", Folder["t2.png"]);
        Support.Cli.Succeed("interpolate", Labels.Path, "--class", "0", "--data", Trained["data.npz"], "--out", Folder["i.png"]);
        Support.Cli.Succeed("reconstruct", Labels.Path, "--data", Trained["data.npz"], "--grid", Folder["r.png"], "--out", Folder["r"]);
        Support.Cli.Succeed("reconstruct", Masks.Path, "--data", Trained["data.npz"], "--out", Folder["m"]);
        Support.Cli.Succeed("fit", Vectors.Path, "--components", "3");
        Support.Cli.Succeed("evaluate", Vectors.Path, "--data", Trained["data.npz"], "--condition", Trained["conditions.npy"], "--split", "all");
        Support.Cli.Succeed(["sweep", "--data", Trained["data.npz"], "--condition", "label", .. Small, "--betas", "1,2", "--out", Folder["sweep"]]);
    }

    [Test]
    public void Complete_KeepsWhatIsVisible()
    {
        WriteMask(Folder["mask.png"]);

        Support.Cli.Succeed("generate", Masks.Path, "--data", Trained["data.npz"], "--split", "all", "--completions", "2", "--mask", Folder["mask.png"], "--out", Folder["c.npy"]);

        byte[] completed = Pixels("c.npy");
        Assert.That(completed, Has.Length.EqualTo(2 * 60 * 64));
        var images = ImageData.Open(Trained["data.npz"]).All;
        var pixels = new byte[64];
        images.Read(7, pixels);
        Assert.That(completed[(14 * 64)..][..32], Is.EqualTo(pixels[..32]), "the upper half");
        Assert.That(completed[(15 * 64)..][..32], Is.EqualTo(pixels[..32]));
        Assert.That(completed[(14 * 64)..][32..64], Is.Not.EqualTo(completed[(15 * 64)..][32..64]), "two completions");
    }

    // -ln sum of P(c) exp ELBO(y|c) exceeds the negative ELBO given the true class by at most the entropy of the class.
    [Test]
    public void Evaluate_WithoutTheClass_ExceedsItByAtMostLnOfTheClasses()
    {
        var figures = System.Text.Json.Nodes.JsonNode.Parse(Support.Cli.Succeed("evaluate", Labels.Path, "--split", "all", "--json"))!;

        double gap = (double)figures["negativeElboWithoutClass"]! - (double)figures["negativeElbo"]!;
        Assert.That(gap, Is.LessThanOrEqualTo(Math.Log(2) + 1e-3));
        Assert.That((double)figures["withoutClassImages"]!, Is.EqualTo(60));
    }

    // Labels are matched by the names of classes: other data may have fewer, in another order.
    [Test]
    public void Evaluate_OfOtherData_MatchesClassesByName()
    {
        WriteImages(Folder["ones.npz"], count: 20, firstClass: 1, classes: 1);
        WriteImages(Folder["zeros.npz"], count: 20, firstClass: 0, classes: 1);

        double ones = Elbo("ones.npz"), zeros = Elbo("zeros.npz");

        Assert.That(Math.Abs(ones - zeros), Is.GreaterThan(0.01), "the same images, given another class");
        Assert.That(Support.Cli.Run("evaluate", Labels.Path, "--data", Other()).Error, Does.Contain("The images have a class '7', which the model was not trained on; it knows 0, 1."));

        double Elbo(string file) => (double)System.Text.Json.Nodes.JsonNode.Parse(Support.Cli.Succeed("evaluate", Labels.Path, "--data", Folder[file], "--split", "all", "--json"))!["negativeElbo"]!;

        string Other()
        {
            WriteImages(Folder["other.npz"], count: 8, firstClass: 7);
            return Folder["other.npz"];
        }
    }

    [Test]
    public void Resume_OfAConditionalRun_EndsWithTheSameStates()
    {
        string[] options = ["train", "--data", Trained["data.npz"], "--condition", Trained["conditions.npy"], .. Small];
        Support.Cli.Succeed([.. options, "--out", Folder["resumed"]]);
        var run = new RunFolder(Folder["resumed"]);
        byte[] last = File.ReadAllBytes(run.CheckpointAt(60));
        Assert.That(last, Is.EqualTo(File.ReadAllBytes(Vectors.CheckpointAt(60))), "the same seed, the same run");
        File.Delete(run.CheckpointAt(60));

        Support.Cli.Succeed("train", "--resume", "--out", run.Path);

        Assert.That(File.ReadAllBytes(run.CheckpointAt(60)), Is.EqualTo(last));
    }

    [TestCase("train --data {1}/data.npz --condition x --out {0}/x", 2, "--condition is 'x'; expected label, mask or a .npy. See 'onnxvae train --help'.")]
    [TestCase("train --data {1}/data.npz --condition {1}/no.npy --out {0}/x", 1, "There is no file '{1}/no.npy'.")]
    [TestCase("train --data {1}/data.npz --condition {0}/few.npy --out {0}/x", 1, "There are 5 conditions, but 60 images: give one for each.")]
    [TestCase("train --data {1}/data.npz --model vqvae --condition label --out {0}/x", 2, "--condition cannot be given with --model vqvae: its latents are codes. See 'onnxvae train --help'.")]
    [TestCase("train --data {1}/data.npz --prior conditional --out {0}/x", 2, "--prior conditional needs --condition: it is a P(z|x). See 'onnxvae train --help'.")]
    [TestCase("train --data {1}/data.npz --condition label --prior vamp --out {0}/x", 2, "--condition cannot be given with --prior vamp: the prior's images have no condition. See 'onnxvae train --help'.")]
    [TestCase("train --data {0}/plain.npy --condition label --steps 1 --batch 2 --out {0}/x", 1, "The examples have no labels, but the model takes them: give IDX files with labels next to them, images in a folder for each class, or an array y_train of whole numbers.")]
    [TestCase("generate {1}/labels --class cat --out {0}/g", 1, "There is no class 'cat'; known are 0, 1.")]
    [TestCase("generate {1}/vectors --count 2 --out {0}/g", 2, "The model is conditional on 3 numbers: give --condition, a .npy of float32 [N, 3].")]
    [TestCase("generate {1}/vectors --count 2 --condition {0}/few.npy --out {0}/g", 1, "'{0}/few.npy' has rows of 2; the model takes 3 numbers for each image.")]
    [TestCase("generate {1}/vectors --count 100 --condition {1}/conditions.npy --out {0}/g", 1, "'{1}/conditions.npy' has 60 rows, but --count is 100: give as many rows, one for all images, or a smaller --count.")]
    [TestCase("generate {1}/masks --count 2 --out {0}/g", 2, "The model completes images: give --data, and perhaps --mask.")]
    [TestCase("generate {1}/labels --data {1}/data.npz --out {0}/g", 2, "--data is for models that complete images, but this one was trained without --condition mask.")]
    [TestCase("generate {1}/vectors --class 1 --out {0}/g", 2, "--class does not fit the model, which is conditional on a vector.")]
    [TestCase("traverse {1}/labels --out {0}/t.png", 2, "The model is conditional on a class: give --class, one of 0, 1.")]
    [TestCase("traverse {1}/masks --out {0}/t.png", 2, "The model completes images, each from what is visible of it: use 'generate' or 'reconstruct'.")]
    [TestCase("traverse {1}/labels --class 0 --condition {0}/nope.npy --out {0}/t.png", 2, "--condition does not fit the model, which is conditional on a label.")]
    [TestCase("evaluate {1}/masks --data {1}/data.npz --condition {1}/conditions.npy", 2, "--condition is for models trained with vectors, but this one was trained without.")]
    [TestCase("encode {1}/vectors --data {1}/data.npz --condition {0}/five.npy --out {0}/z.npy", 1, "There are 5 conditions, but 60 images: give one for each.")]
    [TestCase("fit {1}/labels", 1, "The model has a prior P(z|x), which already follows the latents of each condition: 'generate' draws from it.")]
    [TestCase("encode {1}/labels --data {0}/other.npz --out {0}/z.npy", 1, "The images have a class '7', which the model was not trained on; it knows 0, 1.")]
    public void WrongUse_IsExplained(string arguments, int exitCode, string message)
    {
        WriteConditions(Folder["few.npy"], count: 5, size: 2);
        WriteConditions(Folder["five.npy"], count: 5, size: 3);
        WriteImages(Folder["other.npz"], count: 8, firstClass: 7);
        WriteImages(Folder["plain.npy"], count: 4);

        var actual = Support.Cli.Run(Fill(arguments).Split(' '));

        Assert.That((actual.ExitCode, actual.Error.TrimEnd().Split('\n')[^1]), Is.EqualTo((exitCode, $"onnxvae: {Fill(message)}")));

        string Fill(string text) => text.Replace("{0}", Folder.Path, StringComparison.Ordinal).Replace("{1}", Trained.Path, StringComparison.Ordinal);
    }

    private byte[] Pixels(string file) => Npy.Read(File.ReadAllBytes(Folder[file]), file).Data.ToArray();

    private static byte[] ToPixels(float[] images)
    {
        var pixels = new byte[images.Length];
        OnnxVae.Inference.Pixels.ToBytes(images, pixels);
        return pixels;
    }

    // 8 x 8 pixels, class 0 dark and class 1 bright.
    private static void WriteImages(string file, int count, int firstClass = 0, int classes = 2)
    {
        var random = new Random(1);
        byte[] pixels = [.. Enumerable.Range(0, count * 64).Select(i => (byte)(random.Next(128) + (i / 64 % 2 * 127)))];
        if (file.EndsWith(".npy", StringComparison.Ordinal))
        {
            WriteArray(File.Create(file), "|u1", [count, 8, 8], pixels);
            return;
        }

        using var archive = System.IO.Compression.ZipFile.Open(file, System.IO.Compression.ZipArchiveMode.Create);
        WriteArray(archive.CreateEntry("images.npy").Open(), "|u1", [count, 8, 8], pixels);
        WriteArray(archive.CreateEntry("labels.npy").Open(), "|u1", [count], [.. Enumerable.Range(0, count).Select(i => (byte)(firstClass + (i % classes)))]);
    }

    private static void WriteConditions(string file, int count, int size)
    {
        using var stream = File.Create(file);
        Npy.Write(stream, Numbers.StandardNormal(count * size, seed: 3), count, size);
    }

    private static void WriteArray(Stream stream, string type, long[] shape, byte[] data)
    {
        using (stream)
        {
            Npy.WriteHeader(stream, type, shape);
            stream.Write(data);
        }
    }

    // What follows the visible pixels is hidden; the lower half, if left out.
    private static void WriteMask(string file, int visible = 32)
    {
        using var bitmap = new SkiaSharp.SKBitmap(8, 8);
        for (int i = 0; i < 64; i++)
        {
            bitmap.SetPixel(i % 8, i / 8, i < visible ? SkiaSharp.SKColors.White : SkiaSharp.SKColors.Black);
        }

        using var png = bitmap.Encode(SkiaSharp.SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(file, png.ToArray());
    }

    private sealed class SelectedOne(ImageSource source, long index) : ImageSource
    {
        public override long Count => 1;

        public override ExampleShape Shape => source.Shape;

        public override IReadOnlyList<string> Classes => source.Classes;

        public override int ConditionSize => source.ConditionSize;

        public override int LabelOf(long image) => source.LabelOf(index);

        public override void Read(long image, Span<byte> pixels) => source.Read(index, pixels);

        public override void ReadCondition(long image, Span<float> condition) => source.ReadCondition(index, condition);
    }
}
