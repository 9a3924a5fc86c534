using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Training;

internal sealed class PermutationTests
{
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(1000)]
    [TestCase(65_537)]
    public void Permutation_OfAnyCount_IsOneToOne(int count)
    {
        var order = new Permutation(count, seed: 7, number: 3);

        Assert.That(Enumerable.Range(0, count).Select(i => order[i]).Order(), Is.EqualTo(Enumerable.Range(0, count).Select(i => (long)i)));
    }

    [Test]
    public void Permutation_OfOtherNumber_IsAnotherOrder()
    {
        long[] Order(ulong number) => [.. Enumerable.Range(0, 100).Select(i => new Permutation(100, 7, number)[i])];

        long[] first = Order(1);
        Assert.That(Order(2), Is.Not.EqualTo(first));
        Assert.That(Order(1), Is.EqualTo(first));
    }
}
