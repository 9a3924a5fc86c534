using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Tests.Training;

internal sealed class EvaluatorTests
{
    // With all weights zero the posterior is the prior and the decoder ignores z: every importance weight is P(y) = 2^-d,
    // so that all bounds meet.
    [TestCase(1)]
    [TestCase(5)]
    public void Evaluate_OfModelWithoutWeights_MeetsClosedForm(int importanceSamples)
    {
        using var test = new TestVae("mlp", "bernoulli");
        var zeros = test.Package.ReadInitialStates().ToDictionary(state => state.Key, state => Tensor.Zeros(state.Value.Type, state.Value.Shape));
        const int images = 20;
        double expected = 72 * Math.Log(2);

        var figures = Evaluator.Evaluate(test.Package, zeros, new NoiseImages(images), new EvaluatorOptions { ImportanceSamples = importanceSamples, Seed = 1, Device = OnnxDevice.Cpu });

        Assert.Multiple(() =>
        {
            Assert.That(figures.NegativeElbo, Is.EqualTo(expected).Within(1e-4));
            Assert.That(figures.NegativeLogLikelihood, Is.EqualTo(expected).Within(1e-4));
            Assert.That(figures.BitsPerDimension, Is.EqualTo(1).Within(1e-6));
            Assert.That(figures.Rate, Is.Zero.Within(1e-6));
            Assert.That(figures.ActiveUnits, Is.Zero);
            Assert.That(figures.MutualInformation, Is.Zero.Within(1e-5));
            Assert.That(figures.Images, Is.EqualTo(images));
        });
    }

    [Test]
    public void Evaluate_WithMoreSamples_TightensTheBound()
    {
        using var test = new TestVae("mlp", "bernoulli");
        var spread = test.Package.ReadInitialStates().ToDictionary(
            state => state.Key, state => Tensor.From<float>(state.Value.Shape, [.. state.Value.As<float>().ToArray().Select(weight => 4 * weight)]));
        double Bound(int samples) => Evaluator.Evaluate(
            test.Package, spread, new NoiseImages(50), new EvaluatorOptions { ImportanceSamples = samples, Seed = 1, Device = OnnxDevice.Cpu }).NegativeLogLikelihood!.Value;

        Assert.That(Bound(64), Is.Not.NaN.And.LessThan(Bound(8)));
        Assert.That(Bound(8), Is.Not.NaN.And.LessThan(Bound(1)));
    }

    [Test]
    public void Evaluate_OfStatesThatAreNotFinite_NamesTheFigure()
    {
        using var test = new TestVae("mlp", "bernoulli");
        var states = test.Package.ReadInitialStates().ToDictionary(state => state.Key, state => state.Value);
        states["decoder.0.bias"] = Tensor.From<float>([16], [float.NaN, .. new float[15]]);

        Assert.That(
            () => Evaluator.Evaluate(test.Package, states, new NoiseImages(6), new EvaluatorOptions { ImportanceSamples = 0, Seed = 1, Device = OnnxDevice.Cpu }),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "The distortion of at least one image is not finite: the model has diverged; evaluate an earlier checkpoint."));
    }

    private sealed class NoiseImages(long count) : ImageSource
    {
        public override long Count => count;

        public override ExampleShape Shape { get; } = new(1, 9, 8);

        public override void Read(long index, Span<byte> pixels) => new Random((int)index).NextBytes(pixels);
    }
}
