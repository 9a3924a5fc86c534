using OnnxVae.Models.Exact;

namespace OnnxVae.Tests.Models.Exact;

/// <summary>VAEs of free tables, in which everything is a finite sum.</summary>
internal sealed class TabularVaeTests
{
    private const double Exact = 1e-9;

    // Independent universality: with the best prior and decoder for it, every encoder reaches H(y), whatever z says about y.
    [Test]
    public void EveryEncoder_ReachesTheEntropy([Values(0, 0.001, 0.3, 0.7, 0.999, 1)] double certainty, [Values(2, 5, 40)] int values)
    {
        var vae = TabularVae.Random(values, certainty, seed: 4);

        Assert.That(vae.NegativeElbo, Is.EqualTo(vae.Entropy).Within(Exact));
        Assert.That(vae.NegativeElboWith(vae.Prior, vae.Decoder), Is.EqualTo(vae.Entropy).Within(Exact));
        Assert.That(vae.Rate, Is.InRange(0, vae.Entropy + Exact));
        Assert.That(vae.Distortion, Is.EqualTo(vae.Entropy - vae.Rate).Within(Exact), "H(y|z) = H(y) - I(y; z)");
    }

    [Test]
    public void Information_GoesFromNothingToEverything()
    {
        double[] rates = [.. Enumerable.Range(0, 101).Select(i => TabularVae.Random(6, i / 100.0, seed: 2).Rate)];
        double entropy = TabularVae.Random(6, 0, seed: 2).Entropy;

        Assert.That(rates[0], Is.EqualTo(0).Within(Exact));
        Assert.That(rates[100], Is.EqualTo(entropy).Within(Exact));
        Assert.That(rates, Is.Ordered.Ascending);
        Assert.That(rates.Zip(rates.Skip(1), (a, b) => b - a).Max(), Is.LessThan(0.05), "and everywhere between");
    }

    [Test]
    public void OtherPriorsAndDecoders_AreWorse()
    {
        var (vae, other) = (TabularVae.Random(5, 0.5, seed: 1), TabularVae.Random(5, 0.6, seed: 2));

        Assert.That(vae.NegativeElboWith(other.Prior, vae.Decoder), Is.GreaterThan(vae.Entropy + 1e-4));
        Assert.That(vae.NegativeElboWith(vae.Prior, other.Decoder), Is.GreaterThan(vae.Entropy + 1e-4));
    }

    [Test]
    public void Tables_ThatAreNoDistributions_AreRefused()
    {
        Assert.That(() => new TabularVae([0.5, 0.6], [[1, 0], [0, 1]]), Throws.ArgumentException.With.Message.Contains("each must sum to 1, with a row for each y"));
        Assert.That(() => new TabularVae([0.5, 0.5], [[1, 0]]), Throws.ArgumentException);
        Assert.That(() => new TabularVae([0.5, 0.5], [[1, 0], [0.5, -0.5]]), Throws.ArgumentException);
        Assert.That(() => TabularVae.Random(1, 0.5, seed: 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
