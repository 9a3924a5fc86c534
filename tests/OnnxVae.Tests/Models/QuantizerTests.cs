using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Models.Quantization;
using OnnxVae.Tests.Support;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Tests.Models;

/// <summary>Quantizers by themselves.</summary>
internal sealed class QuantizerTests
{
    private const int Clusters = 12, Dimension = 3, Points = 240;

    private static readonly Value Z = Value.Input("z", ElementType.Float32, [Points / 4, Dimension, 2, 2]);

    // Codes need not find a cluster each, but at rest each is the mean of what has chosen it, and dead ones have moved.
    [TestCase("moving-average")]
    [TestCase("gradient")]
    public void Codes_OfClusters_AreTheMeansOfTheirVectors(string kind)
    {
        Codebook codebook = kind == "gradient" ? new TrainedCodebook("test", Clusters, Dimension) : new MovingAverageCodebook("test", Clusters, Dimension);
        var quantized = codebook.Quantize(Z);
        var program = new TrainingStep(Mean(quantized.Loss), codebook.States, new Sgd(new ConstantSchedule(5)))
        {
            Inputs = [ProgramInput.Data("z", Z.Type, Z.Shape) with { Value = Z }, .. quantized.Inputs],
            Updates = quantized.Updates,
            Revisions = quantized.Revisions,
            Metrics = [new Metric("codes", MetricRole.PerRow, Cast(quantized.Codes, ElementType.Float32))],
        }.ToProgram();
        using var runner = new StepRunner(program);
        var random = new Random(4);
        float[][] centres = [.. Enumerable.Range(0, Clusters).Select(_ => (float[])[.. Enumerable.Range(0, Dimension).Select(_ => 10 * random.NextSingle())])];
        float[] noise = Numbers.StandardNormal(Points * Dimension, 1);
        float[][] points = [.. Enumerable.Range(0, Points).Select(i => (float[])[.. Enumerable.Range(0, Dimension).Select(d => centres[i % Clusters][d] + (0.05f * noise[(i * Dimension) + d]))])];
        float[] images = [.. Enumerable.Range(0, Points / 4).SelectMany(n => Enumerable.Range(0, Dimension).SelectMany(d => Enumerable.Range(0, 4).Select(p => points[(4 * n) + p][d])))];

        Dictionary<string, float[]> metrics = [];
        for (int step = 0; step < 6000; step++)
        {
            metrics = runner.Run(images);
        }

        int[] codes = [.. metrics["codes"].Select(code => (int)code)];
        float[] vectors = runner.State("codebook.test");
        Assert.That(codes.Distinct().Count(), Is.EqualTo(Clusters));
        foreach (var group in Enumerable.Range(0, Points).GroupBy(i => codes[i]))
        {
            for (int d = 0; d < Dimension; d++)
            {
                Assert.That(vectors[(group.Key * Dimension) + d], Is.EqualTo(group.Average(i => points[i][d])).Within(5e-4));
            }
        }
    }

    private static Quantizer[] Quantizers =>
        [new MovingAverageCodebook("test", 7, Dimension), new TrainedCodebook("test", 7, Dimension), new FiniteScalarQuantizer(3, 4, 5)];

    // The gradient of the vectors goes to what was quantized as it is, for finite scalars by way of the bounds; the choice itself has none.
    [TestCaseSource(nameof(Quantizers))]
    public void Gradients_PassTheSearch(Quantizer quantizer)
    {
        var weight = Value.Of(Tensor.From<float>(Z.Shape, Numbers.StandardNormal(Z.Shape.ElementCount, 3)));
        var gradient = Backward.Gradients(Sum(quantizer.Quantize(Z).Vectors * weight), [Z])[0];
        var codes = Cast(quantizer.Encode(Z), ElementType.Float32);
        float[] z = Numbers.StandardNormal(Z.Shape.ElementCount, 2);
        (Value, Array)[] inputs = [(Z, z), .. quantizer.States.Select(state => (state.Current, (Array)Codes(state)))];

        if (quantizer is FiniteScalarQuantizer)
        {
            Assert.That(GraphRunner.Run([gradient], inputs)[0], Is.All.Not.Zero);
        }
        else
        {
            Assert.That(GraphRunner.Run([gradient], inputs)[0], Is.EqualTo(weight.Constant!.As<float>().ToArray()));
        }

        Assert.That(GraphRunner.Run([Backward.Gradients(Sum(codes) + Sum(0f * Z), [Z])[0]], inputs)[0], Is.All.Zero, "no gradient through the choice");

        static float[] Codes(State state) => Numbers.StandardNormal(state.Spec.Shape.ElementCount, 5);
    }

    [Test]
    public void FiniteScalars_HaveACodeForEachPoint()
    {
        var quantizer = new FiniteScalarQuantizer(3, 4, 5);
        var codes = Value.Input("codes", ElementType.Int64, [1, 6, 10]);
        var z = Value.Input("z", ElementType.Float32, [1, 3, 6, 10]);
        long[] all = [.. Enumerable.Range(0, 60).Select(code => (long)code)];

        float[] points = GraphRunner.Run([quantizer.Decode(codes)], (codes, all))[0];

        Assert.That(quantizer.Codes, Is.EqualTo(60));
        Assert.That(points.Chunk(60).Select(dimension => dimension.Distinct().Count()), Is.EqualTo((int[])[3, 4, 5]));

        // Vectors far out are the corners of the grid; the quantized vectors of a step are the points of their codes.
        float[] large = [.. Numbers.StandardNormal(180, 6).Select(x => 3 * x)];
        float[][] results = GraphRunner.Run([quantizer.Quantize(z).Vectors, quantizer.Decode(quantizer.Encode(z))], (z, large));
        Assert.That(results[0], Is.EqualTo(results[1]).Within(1e-6));
        Assert.That(results[0].Max(), Is.EqualTo(1));
    }

    [Test]
    public void Perplexity_OfCodes_IsTheirEffectiveNumber()
    {
        var codes = Value.Input("codes", ElementType.Int64, [2, 2, 3]);
        float[] perplexity = GraphRunner.Run([CodeCounts.Perplexity(codes, 9)], (codes, (long[])[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]))[0];

        Assert.That(perplexity[0], Is.EqualTo(4).Within(5e-4));
    }
}
