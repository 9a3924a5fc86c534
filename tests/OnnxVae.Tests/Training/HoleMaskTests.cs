using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Training;

/// <summary>Holes for models that complete images.</summary>
internal sealed class HoleMaskTests
{
    private const int Height = 12, Width = 16, Images = 3000;

    // A rectangle covers (3/8 + 1/2/H)(3/8 + 1/2/W) or so, a half one half, scattered pixels one half.
    [Test]
    public void Holes_AreThoseOfTraining_InTheMean()
    {
        var isVisible = new bool[Height * Width];
        int[] hidden = new int[Images];
        for (int i = 0; i < Images; i++)
        {
            HoleMask.Draw(seed: 1, i, Height, Width, isVisible);
            hidden[i] = isVisible.Count(visible => !visible);
        }

        double rectangle = Interval(Height) * Interval(Width), expected = (rectangle + 0.5 + 0.5) / 3;
        Assert.That(hidden.Average() / isVisible.Length, Is.EqualTo(expected).Within(0.015));
        Assert.That(hidden.Count(count => count == isVisible.Length / 2), Is.GreaterThan(Images / 4), "halves");
        Assert.That(hidden, Has.All.InRange(1, isVisible.Length - 1));
    }

    [Test]
    public void Hide_KeepsWhatIsVisible()
    {
        float[] condition = [0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f];

        HoleMask.Hide(condition, [true, false]);

        Assert.That(condition, Is.EqualTo((float[])[0.1f, 0, 0.3f, 0, 1, 0]));
    }

    private static double Interval(int length) => Enumerable.Range(0, 1000).Average(i => Math.Floor(length * (0.25 + (0.5 * (i + 0.5) / 1000))) + 1) / length;
}
