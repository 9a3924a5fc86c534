using OnnxVae.Inference.Coding;

namespace OnnxVae.Tests.Inference;

internal sealed class ArithmeticCodingTests
{
    private static readonly double[][] Distributions =
    [
        [0.5, 0.25, 0.125], [0.999, 0.0005], [.. Enumerable.Repeat(1.0 / 300, 300)], [1], [0, 0, 1], [1e-9, 0.3, 1e-9, 0.7],
    ];

    [Test]
    public void Read_AfterWrite_GivesTheSymbolsBack([Values(0, 1, 2, 7, 5000)] int count)
    {
        FrequencyTable[] tables = [.. Distributions.Select(probabilities => new FrequencyTable(probabilities))];
        var random = new Random(1);
        (FrequencyTable Table, int Symbol)[] symbols = [.. Enumerable.Range(0, count).Select(_ => tables[random.Next(tables.Length)]).Select(table => (table, random.Next(table.Count)))];

        var decoder = new ArithmeticDecoder(new MemoryStream(Code(symbols)));

        Assert.That(symbols.Select(pair => decoder.Read(pair.Table)), Is.EqualTo(symbols.Select(pair => pair.Symbol)));
    }

    [Test]
    public void Write_OfDrawnSymbols_TakesTheirEntropy()
    {
        double[] probabilities = [0.6, 0.3, 0.08, 0.02];
        var table = new FrequencyTable(probabilities);
        var random = new Random(2);
        int[] symbols = [.. Enumerable.Range(0, 50_000).Select(_ => random.NextDouble()).Select(u => u < 0.6 ? 0 : u < 0.9 ? 1 : u < 0.98 ? 2 : 3)];
        double bits = -symbols.Sum(symbol => Math.Log2(probabilities[symbol]));

        byte[] coded = Code([.. symbols.Select(symbol => (table, symbol))]);

        Assert.That(8 * coded.Length, Is.EqualTo(bits).Within(0.1).Percent);
    }

    [Test]
    public void FrequencyTable_OfAnyProbabilities_SharesEverythingAndForgetsNobody([ValueSource(nameof(Distributions))] double[] probabilities)
    {
        var table = new FrequencyTable(probabilities);

        Assert.That(table.Count, Is.EqualTo(probabilities.Length + 1));
        Assert.That(table[0].From, Is.Zero);
        Assert.That(table[table.Count - 1].To, Is.EqualTo(1 << FrequencyTable.PrecisionBits));
        for (int symbol = 0; symbol < table.Count; symbol++)
        {
            Assert.That(table[symbol].To, Is.GreaterThan(table[symbol].From));
        }
    }

    [Test]
    public void Read_OfCutOffBits_SaysSo()
    {
        var table = new FrequencyTable([.. Enumerable.Repeat(1.0 / 256, 256)]);
        byte[] coded = Code([.. Enumerable.Range(0, 200).Select(symbol => (table, symbol))]);
        var decoder = new ArithmeticDecoder(new MemoryStream(coded[..50]));

        Assert.That(
            () => Enumerable.Range(0, 200).Select(_ => decoder.Read(table)).ToArray(),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("The coded latents end too early: the file is cut off."));
    }

    [Test]
    public void FrequencyTable_OfNoProbability_Throws() => Assert.That(
        () => new FrequencyTable([0.5, double.NaN]),
        Throws.ArgumentException.With.Message.StartsWith("The probability of symbol 1 is NaN; expected a number from 0 to 1."));

    private static byte[] Code(IEnumerable<(FrequencyTable Table, int Symbol)> symbols)
    {
        using var stream = new MemoryStream();
        var encoder = new ArithmeticEncoder(stream);
        foreach (var (table, symbol) in symbols)
        {
            encoder.Write(table[symbol].From, table[symbol].To);
        }

        encoder.Finish();
        return stream.ToArray();
    }
}
