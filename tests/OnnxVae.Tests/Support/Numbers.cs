using OnnxVae.Format;
using OnnxVae.Inference;
using TorchSharp;

namespace OnnxVae.Tests.Support;

/// <summary>Random test data, and how far two results are apart.</summary>
internal static class Numbers
{
    public static float[] StandardNormal(long count, ulong seed)
    {
        var numbers = new float[count];
        Philox.FillStandardNormal(numbers, seed, stream: 0, position: 0);
        return numbers;
    }

    public static float[] ToArray(this torch.Tensor tensor) => tensor.detach().cpu().contiguous().data<float>().ToArray();

    public static torch.Tensor ToTorch(this float[] values, Shape shape) => torch.tensor(values).reshape(shape.ToArray());

    /// <summary>|actual - expected| / |expected|, in Euclidean norms; infinite where a number is NaN, which a comparison takes for less than anything.</summary>
    public static double RelativeError(IReadOnlyList<float> actual, IReadOnlyList<float> expected)
    {
        Assert.That(actual, Has.Count.EqualTo(expected.Count));
        double difference = Math.Sqrt(actual.Zip(expected, (a, e) => ((double)a - e) * ((double)a - e)).Sum());
        double norm = Math.Sqrt(expected.Sum(e => (double)e * e));
        double error = norm > 0 ? difference / norm : difference;
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }
}
