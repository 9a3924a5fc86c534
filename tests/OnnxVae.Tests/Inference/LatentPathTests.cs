using OnnxVae.Inference;

namespace OnnxVae.Tests.Inference;

internal sealed class LatentPathTests
{
    [Test]
    public void Linear_DividesTheLineEvenly() =>
        Assert.That(LatentPath.Linear([0, 4], [1, 0], 5), Is.EqualTo((float[])[0, 4, 0.25f, 3, 0.5f, 2, 0.75f, 1, 1, 0]).Within(1e-6));

    [Test]
    public void Spherical_BetweenUnitVectors_StaysOnTheSphere()
    {
        float[] path = LatentPath.Spherical([1, 0], [0, 1], 7);

        for (int i = 0; i < 7; i++)
        {
            Assert.That(path[2 * i], Is.EqualTo(MathF.Cos(i * MathF.PI / 12)).Within(1e-6));
            Assert.That(path[(2 * i) + 1], Is.EqualTo(MathF.Sin(i * MathF.PI / 12)).Within(1e-6));
        }
    }

    // No arc is defined between a point and itself, its opposite, or the origin.
    [Test]
    public void Spherical_WhereThereIsNoArc_IsTheLine([Values(1f, 2f, -1f, 0f)] float scale) =>
        Assert.That(LatentPath.Spherical([1, 2], [scale, 2 * scale], 3), Is.EqualTo(LatentPath.Linear([1, 2], [scale, 2 * scale], 3)).Within(1e-5));

    [Test]
    public void Linear_OfUnequalEnds_Throws() => Assert.That(
        () => LatentPath.Linear([1], [1, 2], 3),
        Throws.ArgumentException.With.Message.StartsWith("A path of 3 points between 1 and 2 latents is not possible: both ends need as many latents, and a path at least 2 points."));
}
