using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Tests.Models;

/// <summary>Parameters that are frozen, or that have a learning rate of their own.</summary>
internal sealed class ParameterChoiceTests : FolderFixture
{
    private const double LearningRate = 0.05;

    [Test]
    public void Step_WithAFactor_MovesItsParametersByThatFactor()
    {
        var usual = MovesOf(Compile("usual", new TrainingOptions { BatchSize = 4, Optimizer = Sgd(1) }));

        var moves = MovesOf(Compile("factors", new TrainingOptions
        {
            BatchSize = 4,
            Optimizer = Sgd(1),
            Groups = new Dictionary<string, Optimizer> { ["encoder"] = Sgd(0.25), ["*.2.bias"] = Sgd(4) },
        }));

        foreach (var (name, move) in moves)
        {
            float factor = name.StartsWith("encoder", StringComparison.Ordinal) ? 0.25f : name == "decoder.2.bias" ? 4 : 1;
            Assert.That(move, Is.EqualTo(usual[name].Select(value => factor * value)).Within(1e-6), name);
            Assert.That(move, Has.Some.Not.Zero, name);
        }
    }

    [TestCase("encoder", "encoder.1.weight,encoder.1.bias,encoder.3.weight,encoder.3.bias")]
    [TestCase("decoder.0", "decoder.0.weight,decoder.0.bias")]
    [TestCase("*.bias", "encoder.1.bias,encoder.3.bias,decoder.0.bias,decoder.2.bias")]
    [TestCase("likelihood.logSigma", "likelihood.logSigma")]
    public void FrozenParameters_KeepTheirValues_AndHaveNoMoments(string pattern, string expected)
    {
        var package = Compile("package", new TrainingOptions { BatchSize = 4, Optimizer = new Adam(new ConstantSchedule(LearningRate)), Frozen = [pattern], WeightAveraging = 0.9 });
        string[] frozen = expected.Split(',');

        var moves = MovesOf(package);

        Assert.That(moves.Where(move => move.Value.All(value => value == 0)).Select(move => move.Key), Is.EquivalentTo(frozen));
        Assert.That(package.Manifest.States.Where(state => state.Role == StateRole.Frozen).Select(state => state.Name), Is.EquivalentTo(frozen));
        Assert.That(package.Manifest.States.Select(state => state.Name), Has.None.EndsWith($"adam.m.{frozen[0]}").And.None.EndsWith($"average.{frozen[0]}"));
    }

    [Test]
    public void Encoder_OfAModelOfCodes_IncludesItsVectors()
    {
        using var networks = new VqVaeNetworks(new QuantizedNetwork { Channels = 4, ResidualChannels = 2, ResidualBlocks = 1 }, new ExampleShape(1, 16, 16), dimension: 2, hasTop: true, seed: 1);
        var model = new VqVaeModel(networks, new GaussianLikelihood(0.5f, PixelMean.Identity), new MovingAverageCodebook("bottom", 4, 2), new MovingAverageCodebook("top", 4, 2));

        var package = new PackageCompiler(model, new TrainingOptions { BatchSize = 2, Optimizer = Sgd(1), Frozen = ["encoder"] }).Write(Folder["package"]);

        Assert.That(
            package.Manifest.States.Where(state => state.Role == StateRole.Frozen).Select(state => state.Name.Split('.')[0]).Distinct(),
            Is.EquivalentTo((string[])["encoderBottom", "encoderTop", "vectorsBottom", "vectorsTop"]));
    }

    [Test]
    public void Choices_ThatCannotBe_AreRefused()
    {
        Assert.That(
            () => Compile("package", new TrainingOptions { BatchSize = 4, Optimizer = Sgd(1), Frozen = ["encodre"] }),
            Throws.ArgumentException.With.Message.StartsWith("'encodre' matches no trained parameter: give a part of the model, a module path or a name, with * for any characters. The first of 9 are encoder.1.weight, "));
        Assert.That(
            () => Compile("package", new TrainingOptions { BatchSize = 4, Optimizer = Sgd(1), Frozen = ["*"] }),
            Throws.ArgumentException.With.Message.EqualTo("All parameters are frozen: leave some to train."));
        Assert.That(
            () => Compile("package", new TrainingOptions { BatchSize = 4, Optimizer = Sgd(1), Frozen = ["encoder"], Groups = new Dictionary<string, Optimizer> { ["encoder.1"] = Sgd(2) } }),
            Throws.ArgumentException.With.Message.StartsWith("'encoder.1' matches no trained parameter: "));
    }

    private static Sgd Sgd(double factor) => new(new ConstantSchedule(LearningRate * factor));

    private TrainingPackage Compile(string name, TrainingOptions options)
    {
        using var networks = new VaeNetworks(new MlpNetwork(6), new ExampleShape(1, 4, 4), latents: 2, seed: 1);
        return new PackageCompiler(new VaeModel(networks, new LearnedGaussianLikelihood(), new BetaElbo()), options).Write(Folder[name]);
    }

    // What a step adds to each parameter.
    private static Dictionary<string, float[]> MovesOf(TrainingPackage package)
    {
        using var states = new StateBuffers(package, OnnxDevice.Cpu, package.Manifest.Step.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = new ProgramRunner(package, package.Manifest.Step, states, threads: 1);
        new Random(1).NextBytes(runner.Input<byte>("images"));
        runner.FillNoise(seed: 1, step: 1);
        runner.FillSchedules(1);
        runner.Run();
        var (before, after) = (package.ReadInitialStates(), states.Snapshot());
        return package.Manifest.States.Where(state => state.Role is StateRole.Parameter or StateRole.Frozen).ToDictionary(
            state => state.Name, state => after[state.Name].As<float>().ToArray().Zip(before[state.Name].As<float>().ToArray(), (next, last) => next - last).ToArray());
    }
}
