using System.Buffers.Binary;
using System.Security.Cryptography;
using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>
/// Images whose pixels were drawn once as 0 or 255, 255 with the probability of the gray value, as in binarized MNIST.
/// </summary>
/// <remarks>Larochelle and Murray 2011, The neural autoregressive distribution estimator, fixed the draws of Salakhutdinov and Murray 2008.</remarks>
/// <param name="source">The grayscale images.</param>
/// <param name="seed">Random seed, combined with the image's content, so that an image has the same draws in every split.</param>
internal sealed class BinarizedImages(ImageSource source, ulong seed) : DelegatingImageSource(source)
{
    private const uint Stream = 0x6269;

    /// <inheritdoc/>
    public override int BitDepth => 8;

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        base.Read(index, pixels);
        Span<float> draws = new float[pixels.Length];
        Philox.FillUniform(draws, seed, Stream, BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(pixels)));
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = draws[i] * byte.MaxValue < pixels[i] ? byte.MaxValue : (byte)0;
        }
    }

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values) => ReadPixels(index, values);
}
