using OnnxVae.Training.Evaluation;

namespace OnnxVae.Tests.Training;

internal sealed class PosteriorCollapseTests
{
    private static readonly LatentExchange Noticed = new(Distortion: 70, Exchanged: 130, Changed: 0.98, StandardError: 1), Ignored = new(Distortion: 70, Exchanged: 70.01, Changed: 0, StandardError: 0);

    [Test]
    public void Judge_WhereAllLatentsAreActive_SaysSo()
    {
        var verdict = PosteriorCollapse.Judge(100, [0.5, 0.9], rate: 12.345, information: 8, Noticed);

        Assert.That(verdict.Degree, Is.EqualTo(CollapseDegree.None));
        Assert.That(verdict.Text, Is.EqualTo(
            "not collapsed: 2 of 2 latents are active, the rate is 12.35 nats per image, and with the latents of another image the distortion is 130 instead of 70 (a change for 98 % of the images)"));
    }

    [Test]
    public void Judge_WhereSomeAreDead_NamesThem()
    {
        var verdict = PosteriorCollapse.Judge(100, [0.5, 0.001, 0.9, double.NaN], rate: 3, information: 2.5, Noticed);

        Assert.That(verdict.DeadLatents, Is.EqualTo((int[])[1, 3]));
        Assert.That(verdict.Text, Does.StartWith("not collapsed: 2 of 4 latents are active, the rate is 3 nats per image, and").And.Contain("; dead latents: 1, 3.").And.Contain("free bits"));
    }

    [Test]
    public void Judge_OfOneImage_DoesNotTell() =>
        Assert.That(PosteriorCollapse.Judge(1, [0, 0], rate: 5, information: 5, null).Text, Is.EqualTo("not known: one image cannot tell whether latents follow the image"));

    [Test]
    public void Judge_OfFewImages_LeavesADifferenceThatMayBeChanceOpen()
    {
        var exchange = new LatentExchange(Distortion: 403.57, Exchanged: 390, Changed: 1, StandardError: 9);

        Assert.That(PosteriorCollapse.Judge(5, [0.5], rate: 17, information: 1, exchange).Text, Does.StartWith(
            "not known, 5 images are too few to tell the difference from chance: 1 of 1 latents are active, the rate is 17 nats per image, and with the latents of another image the distortion is 390 instead of 403.57"));
        Assert.That(PosteriorCollapse.Judge(30, [0.5], rate: 17, information: 1, exchange).Degree, Is.EqualTo(CollapseDegree.Collapsed));
        Assert.That(PosteriorCollapse.Judge(5, [0.5], rate: 17, information: 1, Ignored).Degree, Is.EqualTo(CollapseDegree.Collapsed), "no difference is none by chance");
    }

    [Test]
    public void Judge_WhereTheDecoderIgnoresActiveLatents_CallsItCollapsed()
    {
        var verdict = PosteriorCollapse.Judge(100, [0.5, 0.9], rate: 13, information: 9, Ignored);

        Assert.That(verdict.Degree, Is.EqualTo(CollapseDegree.Collapsed));
        Assert.That(verdict.Text, Does.StartWith("collapsed, the decoder does not use the latents: 2 of 2 latents are active, the rate is 13 nats per image"));
    }

    [Test]
    public void Judge_OfFewNatsThatTheDecoderNeeds_DoesNotCallItCollapsed() =>
        Assert.That(PosteriorCollapse.Judge(20_000, [0.9], rate: 0.06, information: 0.05, new LatentExchange(0.12, 1.04, 0.02, 0.1)).Degree, Is.EqualTo(CollapseDegree.None));

    [Test]
    public void Judge_OfLatentsThatAreNoise_IsNotMisledByChance() =>
        Assert.That(PosteriorCollapse.Judge(5000, [0.001], rate: 0.02, information: 0.02, new LatentExchange(207.29, 207.63, 0.99, 0.2)).Degree, Is.EqualTo(CollapseDegree.Collapsed));

    [Test]
    public void Judge_WithoutARate_CallsItCollapsed() =>
        Assert.That(PosteriorCollapse.Judge(5000, [0.001], rate: 0.001, information: 0, new LatentExchange(207.2, 207.6, 0.99, 0.1)).Degree, Is.EqualTo(CollapseDegree.Collapsed));

    [TestCase(0.5, 0.01, TestName = "without information")]
    [TestCase(0.001, 0.5, TestName = "without an active latent")]
    public void Judge_WithoutAnExchange_GoesByTheEncoder(double variance, double information)
    {
        var verdict = PosteriorCollapse.Judge(100, [variance, 0.001], rate: 0.02, information, exchange: null);

        Assert.That(verdict.Degree, Is.EqualTo(CollapseDegree.Collapsed));
        Assert.That(verdict.Text, Does.StartWith("collapsed: ").And.Contain("try a smaller beta"));
    }

    [TestCase(70, 70.04, false)]
    [TestCase(70, 70.06, true)]
    [TestCase(2, 2.03, true)] // less than 0.05 nats, but more than 1 %
    [TestCase(2, 2.01, false)]
    [TestCase(0, 0, false)]
    [TestCase(-800, -799.96, false)]
    public void IsChange_TakesNatsOrAShare(double distortion, double exchanged, bool expected) =>
        Assert.That(LatentExchange.IsChange(distortion, exchanged), Is.EqualTo(expected));
}
