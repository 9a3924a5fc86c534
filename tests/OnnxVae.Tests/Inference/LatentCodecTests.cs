using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Inference;

internal sealed class LatentCodecTests
{
    private static readonly TemporaryFolder Folder = new();
    private TestVae test = null!;
    private LatentCodec codec = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        test = new TestVae("mlp", "squared-error", posterior: PosteriorKind.Rounded, with: options => options with { Prior = new FactorizedDensity(5) });
        RunExport.Write(test.Package, test.States.Snapshot(), Folder["export"]);
        codec = LatentCodec.Load(Folder["export/density.onnx"]);
    }

    [OneTimeTearDown]
    public void DisposeModel()
    {
        test.Dispose();
        Folder.Dispose();
    }

    // Numbers that the density has no place for are written out.
    [Test]
    public void Read_AfterWrite_GivesTheSameLatents()
    {
        float[] codes = [0, 1, -2, 3, 0, 5, -7, 100, -3000, int.MaxValue / 256 * 128f, 0, 0, 1, -1, 2];

        var (count, rows) = codec.Read(new MemoryStream(Write(codes)));

        Assert.That(count, Is.EqualTo(3));
        Assert.That(rows.SelectMany(row => row), Is.EqualTo(codes));
    }

    [Test]
    public void Write_OfLatentThatIsNotWhole_Throws() => Assert.That(
        () => Write([0, 0, 0.5f, 0, 0]),
        Throws.ArgumentException.With.Message.StartsWith("Latent 2 is 0.5, but only whole numbers can be coded: the encoder must be one of rounded latents."));

    [Test]
    public void Read_OfForeignFile_Throws() => Assert.That(
        () => codec.Read(new MemoryStream(new byte[100])),
        Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("This is not a file of coded latents: it does not begin as one."));

    [Test]
    public void Read_WithAnotherDensity_Throws()
    {
        var states = test.States.Snapshot().ToDictionary(state => state.Key, state => state.Value);
        states["prior.mean"] = Tensor.Zeros(ElementType.Float32, states["prior.mean"].Shape);
        RunExport.Write(test.Package, states, Folder["other"]);

        Assert.That(
            () => LatentCodec.Load(Folder["other/density.onnx"]).Read(new MemoryStream(Write([0, 0, 0, 0, 0]))),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("The latents were coded with another density: give the files exported by the run that they were coded with."));
    }

    [Test]
    public void Encoder_OfRoundedLatents_GivesWholeNumbers()
    {
        float[] images = [.. Numbers.StandardNormal(4 * 72, 1).Select(x => 20 * x)]; // far from pixels, for an untrained encoder

        float[] codes = GraphRunner.Run(OnnxModel.Load(Folder["export/encoder.onnx"]), images)[0];

        Assert.That(codes, Is.EqualTo(codes.Select(code => MathF.Round(code))).And.Some.Not.Zero);
    }

    // The graph inverts the density's distribution: whole numbers, as often as it says.
    [Test]
    public void Prior_OfRoundedLatents_DrawsFromTheDensity()
    {
        const int count = 40_000;
        var states = Skewed();
        using var prior = LatentPrior.Load(RunExport.Bake(test.Package, "prior", states).ToBytes());
        var z = new float[count * 5];

        prior.Draw(seed: 1, first: 0, z);

        Assert.That(z, Is.All.Matches<float>(x => x == MathF.Round(x)));
        var number = Value.Input("z", ElementType.Float32, [1, 5]);
        var density = (FactorizedDensity)test.Options.Prior;
        Assert.Multiple(() =>
        {
            for (int x = -2; x <= 6; x++)
            {
                float[] expected = GraphRunner.Run(
                    [Ops.Exp(density.LogProbabilities(number))],
                    [(number, Enumerable.Repeat((float)x, 5).ToArray()), .. density.States.Select(state => (state.Current, GraphRunner.ToArray(states[state.Spec.Name])))])[0];
                Assert.That(z.Where((_, i) => i % 5 == 2).Count(draw => draw == x) / (double)count, Is.EqualTo(expected[2]).Within(0.006), $"share of {x}");
            }
        });
    }

    // Training ends with latents that are nearly always the same number, whose probability rounds to a little more than 1.
    [Test]
    public void Load_OfDensityThatIsCertain_CodesInNearlyNoBits()
    {
        var states = test.States.Snapshot().ToDictionary(state => state.Key, state => state.Value);
        states["prior.mean"] = Tensor.Zeros(ElementType.Float32, states["prior.mean"].Shape);
        states["prior.logScale"] = Tensor.From<float>(states["prior.logScale"].Shape, [.. Enumerable.Repeat(-4f, 15)]);
        RunExport.Write(test.Package, states, Folder["certain"]);

        using var stream = new MemoryStream();
        LatentCodec.Load(Folder["certain/density.onnx"]).Write(stream, 1000, [new float[5000]]);

        Assert.That(stream.Length, Is.LessThan(50));
    }

    [Test]
    public void Read_OfDamagedOrCutOffBits_Throws([Values(30, 60, 90)] int damaged, [Values] bool isCutOff)
    {
        byte[] file = Write([.. Enumerable.Range(0, 200).Select(i => (float)((i * 7 % 5) - 2))]);
        byte[] broken = isCutOff ? file[..^(damaged / 30)] : [.. file.Select((value, i) => i == damaged ? (byte)(value ^ 4) : value)];

        Assert.That(() => codec.Read(new MemoryStream(broken)).Rows.ToArray(), Throws.TypeOf<InvalidDataException>());
    }

    // Means that lie off the whole numbers, to one side.
    private Dictionary<string, Tensor> Skewed()
    {
        var states = test.States.Snapshot().ToDictionary(state => state.Key, state => state.Value);
        states["prior.mean"] = Tensor.From<float>(states["prior.mean"].Shape, [.. Enumerable.Range(0, 15).Select(i => 0.3f + (1.4f * (i % 3)))]);
        states["prior.logScale"] = Tensor.From<float>(states["prior.logScale"].Shape, [.. Enumerable.Range(0, 15).Select(i => -0.7f * (i % 3))]);
        return states;
    }

    private byte[] Write(float[] codes)
    {
        using var stream = new MemoryStream();
        codec.Write(stream, codes.Length / 5, [codes]);
        return stream.ToArray();
    }
}
