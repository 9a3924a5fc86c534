using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Networks;
using OnnxVae.Tests.Support;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Tests.Inference;

/// <summary>Imputation against exact conditional distributions.</summary>
internal sealed class VaeImputerTests
{
    private const int Numbers = 5, Latents = 2, Repetitions = 32, Samples = 4096;
    private const double Sigma = 0.5;

    private static readonly Matrix<double> Weights = Matrix<double>.Build.DenseOfArray(new[,] { { 1.2, 0.3 }, { -0.7, 0.9 }, { 0.2, -1.1 }, { 0.8, 0.8 }, { -0.4, 0.1 } });
    private static readonly Vector<double> Mean = Vector<double>.Build.Dense([0.3, -0.2, 0, 0.5, 1]);
    private static readonly double[] Offsets = [100, 0, -5, 2, 1e3], Scales = [20, 1, 0.5, 3, 40];
    private static readonly float[] Row = [118, -1.7f, -5.3f, 5.5f, 1010];

    // Probabilistic PCA: y = W z + mean + sigma eps, after scaling; the encoder is the exact posterior of whole rows.
    private static TableVae ExactModel()
    {
        var inner = ((Weights.Transpose() * Weights) + (Sigma * Sigma * Matrix<double>.Build.DenseIdentity(Latents))).Inverse();
        var encoder = inner * Weights.Transpose();
        var test = new TableVae(
            TableSpec.Of([.. Enumerable.Range(0, Numbers).Select(i => new ColumnSpec($"c{i}", ColumnKind.Number, []))]), new LinearNetwork(), Latents,
            Scaling.Standard([.. Offsets.Select(offset => (float)offset)], [.. Scales.Select(scale => (float)scale)]));
        foreach (var (name, state) in test.States.ToArray())
        {
            double[] values = name switch
            {
                "likelihood.logSigma" => [.. Enumerable.Repeat((double)TableVae.StateOf(Sigma), Numbers)],
                _ when name.EndsWith("logVar", StringComparison.Ordinal) => [.. inner.Diagonal().Select(value => Math.Log(2 * Sigma * Sigma * value))], // wider, as a proposal should be
                _ when name.StartsWith("encoder", StringComparison.Ordinal) => name.EndsWith("weight", StringComparison.Ordinal) ? encoder.ToRowMajorArray() : (-(encoder * Mean)).ToArray(),
                _ => name.EndsWith("weight", StringComparison.Ordinal) ? Weights.ToRowMajorArray() : Mean.ToArray(),
            };
            test.States[name] = Tensor.From<float>(state.Shape, [.. values.Select(value => (float)value)]);
        }

        return test;
    }

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(1, 2)]
    [TestCase(0, 2, 4)]
    [TestCase(0, 1, 3, 4)]
    [TestCase(0, 1, 2, 3, 4)]
    public void Impute_WithProbabilisticPca_HasTheExactConditionalMeanAndVariance(params int[] missing)
    {
        using var test = ExactModel();
        using var imputer = VaeImputer.Load(test.Export("imputer"));
        float[] row = [.. Row.Select((value, i) => missing.Contains(i) ? float.NaN : value)];

        var runs = Enumerable.Range(0, Repetitions).Select(seed => imputer.Impute(row, Samples, seed: (ulong)seed)).ToArray();

        var (mean, variance) = Conditional(missing);
        foreach (var (place, i) in missing.Index())
        {
            AssertWithinThreeStandardErrors(runs.Select(run => (double)run.Mean[i]), mean[place], $"mean of column {i}");
            AssertWithinThreeStandardErrors(runs.Select(run => (double)run.Deviation[i] * run.Deviation[i]), variance[place], $"variance of column {i}");
        }

        foreach (int i in Enumerable.Range(0, Numbers).Except(missing))
        {
            Assert.That((runs[0].Mean[i], runs[0].Deviation[i]), Is.EqualTo((row[i], 0f)));
        }
    }

    [Test]
    public void Draws_WithProbabilisticPca_HaveTheExactConditionalMeanAndCovariance()
    {
        int[] missing = [0, 1];
        using var test = ExactModel();
        using var imputer = VaeImputer.Load(test.Export("imputer"));
        const int draws = 4000;

        var drawn = imputer.Impute([float.NaN, float.NaN, .. Row[2..]], samples: 40_000, draws: draws, seed: 5);

        var (mean, variance) = Conditional(missing);
        double[][] columns = [.. missing.Select(i => Enumerable.Range(0, draws).Select(draw => (double)drawn.Draw(draw)[i]).ToArray())];
        foreach (int i in missing)
        {
            AssertWithinThreeStandardErrors(columns[i], mean[i], $"mean of column {i}");
            AssertWithinThreeStandardErrors(columns[i].Select(value => (value - mean[i]) * (value - mean[i])), variance[i], $"variance of column {i}");
        }

        AssertWithinThreeStandardErrors(columns[0].Zip(columns[1], (a, b) => (a - mean[0]) * (b - mean[1])), Covariance(missing)[0, 1], "covariance");
        Assert.That(drawn.Draw(7)[2..].ToArray(), Is.EqualTo(Row[2..]));
    }

    // One latent z; a number 2 z + noise, a binary value and a category of three, whose P(.|number) is an integral over z.
    [Test]
    public void Impute_OfCategories_HasTheProbabilitiesOfQuadrature()
    {
        double[] slopes = [2, 1.5, 1, 0, -1], biases = [0, -0.5, 0.2, 0, -0.3];
        var table = TableSpec.Of([new("kind", ColumnKind.Category, ["a", "b", "c"]), new("size", ColumnKind.Number, []), new("is", ColumnKind.Binary, ["no", "yes"])]);
        using var test = new TableVae(table, new LinearNetwork(), latents: 1, Scaling.AsTheyAre(isUnitRange: false));
        test.States["likelihood.logSigma"] = Tensor.From<float>([1], TableVae.StateOf(Sigma));
        foreach (string name in test.States.Keys.ToArray().Where(name => name.StartsWith("decoder", StringComparison.Ordinal)))
        {
            test.States[name] = Tensor.From<float>(test.States[name].Shape, [.. (name.EndsWith("weight", StringComparison.Ordinal) ? slopes : biases).Select(value => (float)value)]);
        }

        using var imputer = VaeImputer.Load(test.Export("imputer"));
        var columns = imputer.Metadata.Columns;
        float[] row = new float[imputer.Metadata.ImageSize];
        foreach (var column in columns)
        {
            column.Write(column.Name == "size" ? 1.3f : float.NaN, row);
        }

        const int draws = 4000;
        var runs = Enumerable.Range(0, Repetitions).Select(seed => imputer.Impute(row, Samples, seed: (ulong)seed)).ToArray();
        var drawn = imputer.Impute(row, samples: 20_000, draws);

        double[] expected = new double[4];
        double evidence = 0;
        for (double z = -8; z <= 8; z += 1e-3)
        {
            double weight = Math.Exp((-0.5 * z * z) - (0.5 * Math.Pow((1.3 - (slopes[0] * z) - biases[0]) / Sigma, 2)));
            double[] logits = [.. slopes.Zip(biases, (slope, bias) => Math.Exp((slope * z) + bias))];
            evidence += weight;
            expected[0] += weight * logits[1] / (1 + logits[1]);
            for (int k = 0; k < 3; k++)
            {
                expected[k + 1] += weight * logits[k + 2] / logits[2..].Sum();
            }
        }

        string[] names = ["is", "kind", "kind", "kind"];
        for (int k = 0; k < 4; k++)
        {
            double probability = expected[k] / evidence;
            var column = columns.Single(each => each.Name == names[k]);
            int place = column.Start + Math.Max(0, k - 1);
            AssertWithinThreeStandardErrors(runs.Select(run => (double)run.Mean[place]), probability, $"probability {k}");
            double share = Enumerable.Range(0, draws).Average(draw => (double)drawn.Draw(draw)[place]);
            Assert.That(share, Is.EqualTo(probability).Within(3 * Math.Sqrt(probability * (1 - probability) / draws)), $"share of draws {k}");
        }
    }

    [Test]
    public void Impute_OfManyRows_DependsOnTheRowAlone()
    {
        using var test = ExactModel();
        using var imputer = VaeImputer.Load(test.Export("imputer"));
        var random = new Random(2);
        float[] rows = [.. Enumerable.Range(0, 700 * Numbers).Select(i => random.NextDouble() < 0.3 ? float.NaN : Row[i % Numbers] * (1 + (0.1f * (float)random.NextDouble())))];

        var all = imputer.Impute(rows, samples: 64, draws: 2, seed: 3);
        var some = imputer.Impute(rows.AsSpan(555 * Numbers, 2 * Numbers), samples: 64, draws: 2, seed: 3, first: 555);

        Assert.That(some.Mean.ToArray(), Is.EqualTo(all.Mean.Slice(555 * Numbers, 2 * Numbers).ToArray()));
        Assert.That(some.Draw(1).ToArray(), Is.EqualTo(all.Draw(1).Slice(555 * Numbers, 2 * Numbers).ToArray()));
        Assert.That(imputer.Impute(rows, samples: 64, draws: 1, seed: 3).Draw(0).ToArray(), Is.EqualTo(all.Draw(0).ToArray()), "a draw does not depend on how many there are");
        Assert.That(Enumerable.Range(0, 700).Count(row => all.IsMissing(row, imputer.Metadata.Columns[1])), Is.EqualTo(Enumerable.Range(0, 700).Count(row => float.IsNaN(rows[(row * Numbers) + 1]))));
    }

    [Test]
    public async Task Stream_InAnyPart_HasTheSameBytes()
    {
        using var test = ExactModel();
        using var imputer = VaeImputer.Load(test.Export("imputer"));

        float[] whole = await Collect(new ImageRange(0, 300)), part = await Collect(new ImageRange(137, 177));

        Assert.That(part, Is.EqualTo(whole.AsSpan(137 * Numbers, 40 * Numbers).ToArray()));

        async Task<float[]> Collect(ImageRange range)
        {
            var values = new List<float>();
            await foreach (float[] block in imputer.ImputeAsync(range, Read, (_, rows) => rows.Draw(0).ToArray(), samples: 32, draws: 1))
            {
                values.AddRange(block);
            }

            return [.. values];
        }

        static void Read(long first, Span<float> rows)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = ((first * Numbers) + i) % 7 == 0 ? float.NaN : Row[i % Numbers];
            }
        }
    }

    [Test]
    public void Row_ThatNoSampleExplains_IsMarkedAndHarmsNoOther()
    {
        using var test = ExactModel();
        using var imputer = VaeImputer.Load(test.Export("imputer"));

        var filled = imputer.Impute([float.NaN, 1e30f, 0, 0, 0, float.NaN, .. Row[1..]], samples: 64);

        Assert.That((filled.EffectiveSamples[0], filled.EffectiveSamples[1]), Is.EqualTo((0f, imputer.Impute([float.NaN, .. Row[1..]], samples: 64, first: 1).EffectiveSamples[0])));
        Assert.That(float.IsFinite(filled.Mean[0]));
    }

    [Test]
    public void Rows_OfCategories_AreChecked()
    {
        using var test = new TableVae(
            TableSpec.Of([new("c", ColumnKind.Category, ["a", "b", "c"]), new("n", ColumnKind.Number, [])]), new LinearNetwork(), 1, Scaling.AsTheyAre(isUnitRange: false));
        using var imputer = VaeImputer.Load(test.Export("imputer"));

        Assert.That(() => imputer.Impute([1, float.NaN, 0, 1]), Throws.ArgumentException.With.Message.StartsWith("Value 2 of row 0 is 0; column 'c' takes probabilities from 0 to 1, or NaN in all of its 3 places: TableColumn.Write writes them."));
        Assert.That(() => imputer.Impute([1, 0, 2, 0]), Throws.ArgumentException.With.Message.StartsWith("Value 2 of row 0 is 2; column 'c' takes"));
        Assert.That(() => imputer.Metadata.Columns[0].Write(3, new float[4]), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.StartsWith("The category of column 'c' is 3; expected a position from 0 to 2."));
        Assert.That(() => imputer.Metadata.Columns[0].IndexOf("d"), Throws.ArgumentException.With.Message.StartsWith("Column 'c' has no category 'd'; it has a, b, c."));
    }

    [Test]
    public void Arguments_ThatAreWrong_AreExplained()
    {
        using var test = ExactModel();
        using var imputer = VaeImputer.Load(test.Export("imputer"));

        Assert.Multiple(() =>
        {
            Assert.That(() => imputer.Impute(new float[4]), Throws.ArgumentException.With.Message.EqualTo("There are 4 numbers in rows; expected one or more rows of 5."));
            Assert.That(() => imputer.Impute([1, 2, float.PositiveInfinity, 4, 5]), Throws.ArgumentException.With.Message.StartsWith("Value 2 of example 0 is Infinity; values must be finite, or NaN if they are missing."));
            Assert.That(() => imputer.Impute(Row, samples: 0), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.StartsWith("The number of samples is 0; expected 1 to 1048576 for each row."));
            Assert.That(() => VaeImputer.Load(test.Export("encoder")), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is an encoder; expected an imputer. Give the imputer.onnx that was exported with it."));
        });
    }

    // In the data's units, by place in the list of missing columns.
    private static (double[] Mean, double[] Variance) Conditional(int[] missing)
    {
        int[] observed = [.. Enumerable.Range(0, Numbers).Except(missing)];
        var mean = Vector<double>.Build.Dense(missing.Length, i => Mean[missing[i]]);
        if (observed.Length > 0)
        {
            var residual = Vector<double>.Build.Dense(observed.Length, i => ((Row[observed[i]] - Offsets[observed[i]]) / Scales[observed[i]]) - Mean[observed[i]]);
            mean += Marginal(missing, observed) * Marginal(observed, observed).Solve(residual);
        }

        return ([.. missing.Select((column, i) => (mean[i] * Scales[column]) + Offsets[column])], [.. Enumerable.Range(0, missing.Length).Select(i => Covariance(missing)[i, i])]);
    }

    private static Matrix<double> Covariance(int[] missing)
    {
        int[] observed = [.. Enumerable.Range(0, Numbers).Except(missing)];
        var covariance = Marginal(missing, missing);
        if (observed.Length > 0)
        {
            covariance -= Marginal(missing, observed) * Marginal(observed, observed).Solve(Marginal(observed, missing));
        }

        return covariance.MapIndexed((i, j, value) => value * Scales[missing[i]] * Scales[missing[j]]);
    }

    private static Matrix<double> Marginal(int[] rows, int[] columns)
    {
        var all = (Weights * Weights.Transpose()) + (Sigma * Sigma * Matrix<double>.Build.DenseIdentity(Numbers));
        return Matrix<double>.Build.Dense(rows.Length, columns.Length, (i, j) => all[rows[i], columns[j]]);
    }

    private static void AssertWithinThreeStandardErrors(IEnumerable<double> values, double expected, string what)
    {
        double[] all = [.. values];
        double mean = all.Average(), error = Math.Sqrt(all.Sum(value => (value - mean) * (value - mean)) / (all.Length - 1) / all.Length);
        Assert.That(mean, Is.EqualTo(expected).Within(3 * error), $"{what}, standard error {error:G3}");
    }
}
