using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Inference;

internal sealed class VaeDecoderTests
{
    private TestVae test = null!;
    private VaeDecoder decoder = null!;

    [SetUp]
    public void Export()
    {
        test = new TestVae("mlp", "bernoulli");
        decoder = VaeDecoder.Load(RunExport.Bake(test.Package, "decoder", test.States.Snapshot()).ToBytes());
    }

    [TearDown]
    public void Dispose()
    {
        decoder.Dispose();
        test.Dispose();
    }

    [Test]
    public void Generate_OfImageK_DependsOnSeedAndKAlone()
    {
        int size = decoder.Metadata.ImageSize;
        float[] four = new float[4 * size], third = new float[size];

        decoder.Generate(seed: 5, first: 0, four);
        decoder.Generate(seed: 5, first: 2, third);

        Assert.That(third, Is.EqualTo(four[(2 * size)..(3 * size)]).Within(1e-6f));
    }

    [Test]
    public void Decode_TakesDenormalNumbersForZero_AndLeavesThemToTheThread()
    {
        using var linear = new TestVae("linear", "gaussian");
        var states = linear.States.Snapshot().ToDictionary(
            state => state.Key,
            state => Tensor.From<float>(state.Value.Shape, [.. Enumerable.Repeat(state.Value.Shape.Rank == 2 ? Denormals.RootOfOne : 0, (int)state.Value.Shape.ElementCount)]));
        byte[] model = RunExport.Bake(linear.Package, "decoder", states).ToBytes();
        Denormals.Restore();

        using var ofDenormals = VaeDecoder.Load(model);
        float[] images = ofDenormals.Decode([.. Enumerable.Repeat(Denormals.RootOfOne, 64 * 5)]);

        Assert.That(images, Has.Length.EqualTo(64 * 72).And.All.Zero);
        Assert.That(Denormals.Exist, Is.True);
    }

    [Test]
    public void Decode_OfWrongLength_SaysWhatWasExpected() => Assert.That(
        () => decoder.Decode(new float[7], new float[72]),
        Throws.ArgumentException.With.Message.StartsWith("There are 7 numbers in latents; expected one or more rows of 5."));

    [Test]
    public void Decode_OfNaN_NamesTheLatent()
    {
        var latents = new float[10];
        latents[8] = float.NaN;

        Assert.That(
            () => decoder.Decode(latents, new float[144]),
            Throws.ArgumentException.With.Message.StartsWith("Latent 3 of row 1 is NaN; latents must be finite."));
    }

    [Test]
    public void Load_OfEncoder_IsRefused()
    {
        byte[] encoder = RunExport.Bake(test.Package, "encoder", test.States.Snapshot()).ToBytes();

        Assert.That(
            () => VaeDecoder.Load(encoder),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("The model is an encoder; expected a decoder. Give the decoder.onnx that was exported with it."));
    }

    [Test]
    public void Parse_OfAbsentDevice_SaysWhatThereIs() => Assert.That(
        () => OnnxDevice.Parse("rocm:1"),
        Throws.ArgumentException.With.Message.StartsWith(
            "Device 'rocm:1' is not available: this ONNX Runtime has cpu. Choose one of these, reference the ONNX Runtime package of that provider, or register its library."));

    [Test]
    public void Parse_OfMalformedDevice_SaysHowToWriteIt() => Assert.That(
        () => OnnxDevice.Parse("cuda:x"), Throws.ArgumentException.With.Message.StartsWith("Device 'cuda:x' is malformed"));
}
