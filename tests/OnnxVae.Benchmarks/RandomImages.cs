using OnnxVae.Format;
using OnnxVae.Training.Data;

namespace OnnxVae.Benchmarks;

/// <summary>Random pixels in memory.</summary>
/// <param name="shape">The images' shape.</param>
/// <param name="count">How many.</param>
/// <param name="seed">Random seed.</param>
internal sealed class RandomImages(ExampleShape shape, int count, int seed) : ImageSource
{
    private readonly byte[] pixels = Draw(count * shape.Dimensions, seed);

    public override long Count => count;

    public override ExampleShape Shape => shape;

    public override void Read(long index, Span<byte> pixels) => this.pixels.AsSpan((int)index * ImageSize, ImageSize).CopyTo(pixels);

    private static byte[] Draw(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
