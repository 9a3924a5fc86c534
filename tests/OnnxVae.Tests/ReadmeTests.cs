using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Tests;

/// <summary>The README's example, as it is printed there.</summary>
[NonParallelizable]
internal sealed class ReadmeTests
{
    [Test]
    public async Task Example_Runs()
    {
        using var temporary = new TemporaryFolder();
        WriteDigits(temporary["digits"]);
        string folder = temporary["digits"], before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = temporary.Path;
        try
        {
            float[] images = await RunExampleAsync(folder);

            Assert.That(images, Has.Length.EqualTo(16 * 784));
            Assert.That(images, Has.All.InRange(0f, 1f));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Test]
    public void Formulas_GiveTheElbo()
    {
        var (output, eps, distortion) = (Input("output", [2, 6]), Input("eps", [2, 3]), Input("distortion", [2]));
        var beta = ProgramInput.Scheduled("beta", new ConstantSchedule(4));

        var (mean, logVar) = Split2(output, axis: 1);
        var z = mean + (Exp(0.5f * logVar) * eps);
        var rates = 0.5f * (Square(mean) + Exp(logVar) - 1f - logVar);
        var loss = Mean(distortion + (beta.Value * SumPerRow(rates)));

        float[] data = [1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0], noise = [1, 2, 3, 4, 5, 6];
        float[][] actual = GraphRunner.Run([z, loss], (output, data), (eps, noise), (distortion, (float[])[10, 20]), (beta.Value, (float[])[4]));
        Assert.That(actual[0], Is.EqualTo((float[])[2, 2, 2, 4, 5, 6]).Within(1e-6));
        Assert.That(actual[1][0], Is.EqualTo(15 + (4 * 0.5)).Within(1e-6)); // KL(N((1, 0, -1), I) || N(0, I)) = 1, and 0

        static Value Input(string name, Shape shape) => Value.Input(name, ElementType.Float32, shape);
    }

    [Test]
    public void Example_IsTheOneThatIsTested() => ReadmeExamples.AssertTested("README.md", "tests/OnnxVae.Tests/ReadmeTests.cs");

    private static async Task<float[]> RunExampleAsync(string folder)
    {
        var data = ImageData.Open(folder);

        using var vae = new Vae(new MlpNetwork(400), new ImageShape(1, 28, 28), latents: 20);
        var objective = new VaeTrainingOptions(128, new BernoulliLikelihood(), new BetaElbo(), new Adam(new ConstantSchedule(1e-3)));
        var package = new VaeCompiler(vae, objective).Write("package");

        using var trainer = Trainer.Start(package, new RunFolder("run"), new TrainerOptions(Steps: 500, Seed: 1, OnnxDevice.Cpu));
        await trainer.TrainAsync(data.Train, progress => Console.Write($"\r{progress.Step} {progress.Loss:0.0}"));
        RunExport.Write(package, trainer.Snapshot(), "export");

        using var decoder = VaeDecoder.Load("export/decoder.onnx");
        float[] images = decoder.Generate(count: 16, seed: 1);
        return images;
    }

    private static void WriteDigits(string folder)
    {
        const int count = 200;
        Directory.CreateDirectory(folder);
        var pixels = new byte[count * 784];
        new Random(1).NextBytes(pixels);
        File.WriteAllBytes(Path.Combine(folder, "train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28, .. pixels]);
    }
}
