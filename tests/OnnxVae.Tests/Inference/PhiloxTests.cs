using OnnxVae.Inference;

namespace OnnxVae.Tests.Inference;

internal sealed class PhiloxTests
{
    // The known answers published with the paper's library, Random123: philox4x32 with 10 rounds.
    [TestCase(0u, 0ul, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [TestCase(0xffffffffu, 0xfffffffffffffffful, 0xfffffffffffffffful, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    public void Block_OfKnownCounters_GivesKnownAnswers(uint counter, ulong position, ulong key, uint a, uint b, uint c, uint d) =>
        Assert.That(Philox.Block(counter, counter, position, key), Is.EqualTo((a, b, c, d)));

    [Test]
    public void FillStandardNormal_HasUnitMoments()
    {
        var numbers = new float[1_000_000];

        Philox.FillStandardNormal(numbers, seed: 3, stream: 1, position: 2);

        double[] moments = [.. Enumerable.Range(1, 4).Select(k => numbers.Average(x => Math.Pow(x, k)))];
        Assert.That(moments, Is.EqualTo((double[])[0, 1, 0, 3]).Within(0.02));
    }

    [Test]
    public void FillStandardNormal_OfShorterSpan_IsThePrefix()
    {
        float[] longer = new float[10], shorter = new float[7];

        Philox.FillStandardNormal(longer, 1, 2, 3);
        Philox.FillStandardNormal(shorter, 1, 2, 3);

        Assert.That(shorter, Is.EqualTo(longer[..7]));
    }
}
