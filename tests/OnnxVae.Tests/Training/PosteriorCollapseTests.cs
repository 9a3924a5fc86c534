using OnnxVae.Training.Evaluation;

namespace OnnxVae.Tests.Training;

internal sealed class PosteriorCollapseTests
{
    [Test]
    public void Judge_WhereAllLatentsAreActive_SaysSo()
    {
        var verdict = PosteriorCollapse.Judge(100, [0.5, 0.9], rate: 12.345, information: 8);

        Assert.That(verdict.Degree, Is.EqualTo(CollapseDegree.None));
        Assert.That(verdict.Text, Is.EqualTo("not collapsed: 2 of 2 latents are active, the rate is 12.35 nats per image"));
    }

    [Test]
    public void Judge_WhereSomeAreDead_NamesThem()
    {
        var verdict = PosteriorCollapse.Judge(100, [0.5, 0.001, 0.9, double.NaN], rate: 3, information: 2.5);

        Assert.That(verdict.DeadLatents, Is.EqualTo((int[])[1, 3]));
        Assert.That(verdict.Text, Does.StartWith("not collapsed: 2 of 4 latents are active, the rate is 3 nats per image; dead are 1, 3:").And.Contain("--free-bits"));
    }

    [Test]
    public void Judge_OfOneImage_DoesNotTell() =>
        Assert.That(PosteriorCollapse.Judge(1, [0, 0], rate: 5, information: 5).Text, Is.EqualTo("not known: one image cannot tell whether latents follow the image"));

    [TestCase(0.5, 0.01, TestName = "without information")]
    [TestCase(0.001, 0.5, TestName = "without an active latent")]
    public void Judge_WhereLatentsSayNothing_CallsItCollapsed(double variance, double information)
    {
        var verdict = PosteriorCollapse.Judge(100, [variance, 0.001], rate: 0.02, information);

        Assert.That(verdict.Degree, Is.EqualTo(CollapseDegree.Collapsed));
        Assert.That(verdict.Text, Does.StartWith("collapsed: ").And.Contain("try a smaller --beta"));
    }
}
