using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Models;

/// <summary>Training steps of tables with missing values against the same loss written with TorchSharp.</summary>
internal sealed class TableModelTests
{
    private const int Batch = 6, Latents = 3;

    private static readonly TableSpec Mixed = TableSpec.Of(
    [
        new("a", ColumnKind.Category, ["x", "y", "z"]), new("b", ColumnKind.Number, []), new("c", ColumnKind.Binary, ["no", "yes"]),
        new("d", ColumnKind.Category, ["u", "v"]), new("e", ColumnKind.Number, []), new("f", ColumnKind.Category, ["1", "2", "3"]),
    ]);

    private static readonly Scaling Units = Scaling.Standard([20, -3, 0, 0, 0, 0, 0, 0, 0, 0, 0], [5, 0.1f, 1, 1, 1, 1, 1, 1, 1, 1, 1]);

    [Test]
    public void Table_IsLaidOutByKindAndWidth()
    {
        Assert.That(Mixed.Columns.Select(column => column.Start), Is.EqualTo((int[])[5, 0, 2, 3, 1, 8]));
        Assert.That(Mixed.Blocks, Is.EqualTo((TableBlock[])[new(ColumnKind.Number, 0, 2, 1), new(ColumnKind.Binary, 2, 1, 1), new(ColumnKind.Category, 3, 1, 2), new(ColumnKind.Category, 5, 2, 3)]));
        Assert.That(Mixed.Width, Is.EqualTo(11));
        Assert.That(TableSpec.FromJson(Mixed.ToJson()).DifferenceFrom(Mixed), Is.Null);
    }

    [TestCase]
    [TestCase(0)]
    [TestCase(5, 2)]
    public void Step_WithMissingValues_HasTorchsLossAndGradients(params int[] indicators)
    {
        using var test = new TableVae(Mixed, new MlpNetwork(12), Latents, Units, Batch, indicators);
        float[] rows = Rows();
        rows[0] = rows[11 + 2] = rows[22 + 3] = rows[22 + 4] = float.NaN; // of rows 0, 1 and 2
        Array.Fill(rows, float.NaN, 33, 11);
        float[] eps = Numbers.StandardNormal(Batch * Latents, 9);

        var (loss, next) = RunStep(test, rows, eps);

        using var expected = Loss(test.Networks, rows, eps, out var logSigma);
        expected.backward();
        Assert.That(loss, Is.EqualTo(expected.item<float>()).Within(1e-4).Percent);
        var parameters = test.Networks.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);
        foreach (var (name, state) in test.States)
        {
            float[] gradient = [.. state.As<float>().ToArray().Zip(next[name], (before, after) => before - after)];
            Assert.That(Numbers.RelativeError(gradient, (name == "likelihood.logSigma" ? logSigma : parameters[name]).grad!.ToArray()), Is.LessThan(1e-4), name);
        }
    }

    [Test]
    public void Step_OfEmptyRows_LearnsNothingOfTheDecoder()
    {
        using var test = new TableVae(Mixed, new MlpNetwork(12), Latents, Units, Batch);
        float[] rows = new float[Batch * 11];
        Array.Fill(rows, float.NaN);

        var (_, next) = RunStep(test, rows, Numbers.StandardNormal(Batch * Latents, 9));

        foreach (var (name, state) in test.States.Where(state => !state.Key.StartsWith("encoder", StringComparison.Ordinal)))
        {
            Assert.That(next[name], Is.EqualTo(state.As<float>().ToArray()), name);
        }
    }

    [Test]
    public void Indicators_WithoutATable_AreRefused()
    {
        Assert.That(
            () => new VaeNetworks(new MlpNetwork(4), new ExampleShape(3), 2, seed: 1, indicators: [3]),
            Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.StartsWith("The indicators are of places 3; expected places in vectors, but the examples are vectors of 3 (columns)."));
        using var networks = new VaeNetworks(new MlpNetwork(4), new ExampleShape(3), 2, seed: 1, indicators: [2]);
        Assert.That(() => new VaeModel(networks, new GaussianLikelihood(1), new BetaElbo(new ConstantSchedule(1))), Throws.ArgumentException.With.Message.StartsWith("The networks have indicators of missing values"));
    }

    [Test]
    public void Likelihood_OfOtherExamples_IsRefused()
    {
        using var networks = new VaeNetworks(new MlpNetwork(4), new ExampleShape(10), 2, seed: 1);
        Assert.That(
            () => new VaeModel(networks, new TableLikelihood(Mixed), new BetaElbo(new ConstantSchedule(1)), scaling: Scaling.AsTheyAre(isUnitRange: false)),
            Throws.ArgumentException.With.Message.StartsWith("The likelihood 'table' is for rows of 6 columns, which are vectors of 11 real numbers, but the examples are vectors of 10 (columns)."));
    }

    private static float[] Rows()
    {
        float[] rows = new float[Batch * 11];
        var random = new Random(4);
        for (int row = 0; row < Batch; row++)
        {
            var values = rows.AsSpan(row * 11, 11);
            (values[0], values[1], values[2]) = (20 + (5 * (float)random.NextDouble()), -3 + (0.1f * (float)random.NextDouble()), random.Next(2));
            (values[3 + random.Next(2)], values[5 + random.Next(3)], values[8 + random.Next(3)]) = (1, 1, 1);
        }

        return rows;
    }

    private static (float Loss, Dictionary<string, float[]> Next) RunStep(TableVae test, float[] rows, float[] eps)
    {
        using var states = new StateBuffers(test.Package, OnnxDevice.Cpu, test.Package.Manifest.Step.Updates);
        states.Load(test.States);
        using var step = new ProgramRunner(test.Package, test.Package.Manifest.Step, states, threads: 1);
        rows.CopyTo(step.Input<float>("images"));
        eps.CopyTo(step.Input<float>("eps"));
        step.FillSchedules(1);
        step.Run();
        return (step.Metric("loss")[0], states.Snapshot().ToDictionary(state => state.Key, state => state.Value.As<float>().ToArray()));
    }

    private static Tensor Loss(VaeNetworks networks, float[] rows, float[] eps, out Tensor logSigma)
    {
        var units = tensor(rows).reshape(Batch, 11);
        var observed = units.isnan().logical_not().to(ScalarType.Float32);
        var y = nan_to_num((units - tensor(Units.Offsets.ToArray())) / tensor(Units.Scales.ToArray()), 0);
        var encoded = networks.Encoder.call(cat([y, .. networks.Indicators.Select(place => 1 - observed.narrow(1, place, 1))], 1));
        var (mean, logVar) = (encoded.narrow(1, 0, Latents), encoded.narrow(1, Latents, Latents));
        var output = networks.Decoder.call(mean + ((0.5 * logVar).exp() * tensor(eps).reshape(Batch, Latents)));
        var kl = 0.5 * (mean.square() + logVar.exp() - 1 - logVar).sum(1);

        logSigma = tensor(new float[] { 0, 0 }, requires_grad: true);
        var sigma = (nn.functional.softplus(logSigma + 6) - 6).exp();
        var numbers = -distributions.Normal(output.narrow(1, 0, 2), sigma).log_prob(y.narrow(1, 0, 2)) + tensor(Units.Scales.Take(2).ToArray()).log();
        var binary = nn.functional.binary_cross_entropy_with_logits(output.narrow(1, 2, 1), y.narrow(1, 2, 1), reduction: nn.Reduction.None);
        var distortion = ((numbers * observed.narrow(1, 0, 2)).sum(1)) + (binary * observed.narrow(1, 2, 1)).sum(1);
        foreach (var (start, width) in ((int, int)[])[(3, 2), (5, 3), (8, 3)])
        {
            var entropy = nn.functional.cross_entropy(output.narrow(1, start, width), y.narrow(1, start, width).argmax(1), reduction: nn.Reduction.None);
            distortion += entropy * observed.narrow(1, start, 1).squeeze(1);
        }

        return (distortion + kl).mean();
    }
}
