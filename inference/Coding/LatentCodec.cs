using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference.Coding;

/// <summary>
/// Stores rounded latents in as many bits as the model's density requires: <c>density.onnx</c>, which training with rounded latents exports,
/// gives the probability of each integer, and an arithmetic coder writes it.
/// </summary>
/// <remarks>
/// File format: "OVLC", version 1, number of latents (int32), number of images (int64), 8 bytes that identify the tables, then the bits, the last 64 of
/// which are a checksum of the latents. Probabilities are recomputed from the density; where that gives different tables, as on another
/// processor, the file is rejected rather than decoded wrongly.
/// </remarks>
public sealed class LatentCodec
{
    private const int Largest = 2048; // integers from -2048 to 2047 have probabilities of their own, others are escaped and written in full
    private const double SmallestProbability = 1e-12;
    private const int HalfBits = 16; // numbers that are written in full are split into halves of this size
    private const int HeaderSize = 25;
    private const byte Version = 1;

    private readonly (int First, FrequencyTable Table)[] tables;
    private readonly byte[] fingerprint;

    private LatentCodec((int First, FrequencyTable Table)[] tables)
    {
        this.tables = tables;
        byte[] shares = [.. tables.SelectMany(entry => MemoryMarshal.AsBytes(entry.Table.Shares).ToArray().Prepend((byte)entry.First))];
        fingerprint = SHA256.HashData(shares)[..8];
    }

    /// <summary>L, the number of latents.</summary>
    public int LatentSize => tables.Length;

    private static ReadOnlySpan<byte> Magic => "OVLC"u8;

    /// <summary>Loads <c>density.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not a density.</exception>
    public static LatentCodec Load(string path)
    {
        using var session = VaeSession.Load(path, ExportedKinds.Density, options: null);
        const int count = 2 * Largest;
        int latents = session.Metadata.LatentSize;
        float[] numbers = [.. Enumerable.Range(0, count * latents).Select(i => (float)((i / latents) - Largest))], probabilities = new float[count * latents];
        session.Run(new Dictionary<string, float[]> { ["z"] = numbers }, count, ("probability", probabilities));
        return new LatentCodec([.. Enumerable.Range(0, latents).Select(l =>
        {
            double[] ofLatent = [.. Enumerable.Range(0, count).Select(i => Math.Min(1.0, probabilities[(i * latents) + l]))]; // rounding may exceed 1
            int first = Math.Max(0, Array.FindIndex(ofLatent, p => p > SmallestProbability)), last = Math.Max(first, Array.FindLastIndex(ofLatent, p => p > SmallestProbability));
            return (first - Largest, new FrequencyTable(ofLatent.AsSpan(first..(last + 1))));
        })]);
    }

    /// <summary>Writes the latents of images.</summary>
    /// <param name="output">Receives the file.</param>
    /// <param name="count">Images, N.</param>
    /// <param name="codes">Float32 [N, L] in chunks of whole rows: integer values, as the encoder gives them.</param>
    /// <exception cref="ArgumentException">A latent is not an integer, or the number of rows differs from <paramref name="count"/>.</exception>
    public void Write(Stream output, long count, IEnumerable<float[]> codes)
    {
        var header = new byte[HeaderSize];
        Magic.CopyTo(header);
        header[4] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(5), LatentSize);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(9), count);
        fingerprint.CopyTo(header, 17);
        output.Write(header);

        using var checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var encoder = new ArithmeticEncoder(output);
        long written = 0;
        foreach (float[] piece in codes)
        {
            checksum.AppendData(WholeNumbers(piece));
            for (int i = 0; i < piece.Length; i++)
            {
                Write(encoder, i % LatentSize, piece[i]);
            }

            written += piece.Length;
        }

        if (written != count * LatentSize)
        {
            throw new ArgumentException($"There are {written} latents; {count} images of {LatentSize} have {count * LatentSize}.", nameof(count));
        }

        foreach (ushort part in ChecksumOf(checksum))
        {
            encoder.WriteUniform(part, HalfBits);
        }

        encoder.Finish();
    }

    /// <summary>Reads the latents of images.</summary>
    /// <param name="input">A file that <see cref="Write(Stream, long, IEnumerable{float[]})"/> wrote.</param>
    /// <returns>Their number, N, and the rows in order, Float32 [L] each.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, truncated, or belongs to another model.</exception>
    public (long Count, IEnumerable<float[]> Rows) Read(Stream input)
    {
        var header = new byte[HeaderSize];
        if (input.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header.AsSpan(0, 4).SequenceEqual(Magic) || header[4] != Version)
        {
            throw new InvalidDataException("This is not a file of coded latents: it does not begin as one.");
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(5)) != LatentSize || !header.AsSpan(17, 8).SequenceEqual(fingerprint))
        {
            throw new InvalidDataException("The latents were coded with another density: give the files exported by the run that they were coded with.");
        }

        long count = BinaryPrimitives.ReadInt64LittleEndian(header.AsSpan(9));
        if (count < 0)
        {
            throw new InvalidDataException($"The coded latents are damaged: they claim to be of {count} images.");
        }

        return (count, ReadRows(new ArithmeticDecoder(input), count));
    }

    private IEnumerable<float[]> ReadRows(ArithmeticDecoder decoder, long count)
    {
        using var checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long row = 0; row < count; row++)
        {
            var codes = new float[LatentSize];
            for (int latent = 0; latent < codes.Length; latent++)
            {
                var (first, table) = tables[latent];
                int symbol = decoder.Read(table);
                codes[latent] = symbol < table.Count - 1 ? first + symbol : ReadRaw(decoder);
            }

            checksum.AppendData(WholeNumbers(codes));
            yield return codes;
        }

        if (ChecksumOf(checksum).Any(part => decoder.ReadUniform(HalfBits) != part))
        {
            throw new InvalidDataException("The coded latents are damaged: the checksum does not match. Fetch the file again.");
        }
    }

    // Drops the sign of a float's negative zero.
    private static ReadOnlySpan<byte> WholeNumbers(float[] codes) => MemoryMarshal.AsBytes<int>(Array.ConvertAll(codes, code => (int)code));

    private static ushort[] ChecksumOf(IncrementalHash codes) => MemoryMarshal.Cast<byte, ushort>(codes.GetHashAndReset().AsSpan(0, 8)).ToArray();

    private void Write(ArithmeticEncoder encoder, int latent, float code)
    {
        int number = (int)code;
        if (number != code)
        {
            throw new ArgumentException($"Latent {latent} is {code}, but only whole numbers can be coded: the encoder must be one of rounded latents.");
        }

        var (first, table) = tables[latent];
        int symbol = number >= first && number - first < table.Count - 1 ? number - first : table.Count - 1;
        var (from, to) = table[symbol];
        encoder.Write(from, to);
        if (symbol == table.Count - 1)
        {
            encoder.WriteUniform((uint)number >> HalfBits, HalfBits);
            encoder.WriteUniform((uint)number & ushort.MaxValue, HalfBits);
        }
    }

    private static int ReadRaw(ArithmeticDecoder decoder) => (int)((decoder.ReadUniform(HalfBits) << HalfBits) | decoder.ReadUniform(HalfBits));
}
