using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace OnnxVae.Training.Data;

/// <summary>NumPy's array file format, version 1.0, little-endian and row-major.</summary>
/// <remarks>NEP 1, A simple file format for NumPy arrays.</remarks>
public static partial class Npy
{
    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Writes a header.</summary>
    /// <param name="stream">The file's beginning.</param>
    /// <param name="dataType">NumPy's type string, <c>|u1</c> or <c>&lt;f4</c>.</param>
    /// <param name="shape">The array's shape.</param>
    public static void WriteHeader(Stream stream, string dataType, params ReadOnlySpan<long> shape) => stream.Write(Header(dataType, shape));

    /// <summary>The bytes of a header.</summary>
    /// <param name="dataType">NumPy's type string.</param>
    /// <param name="shape">The array's shape.</param>
    /// <param name="length">At least so many bytes.</param>
    internal static byte[] Header(string dataType, ReadOnlySpan<long> shape, int length = 0)
    {
        string sizes = string.Join(", ", shape.ToArray()) + (shape.Length == 1 ? "," : "");
        string header = string.Create(CultureInfo.InvariantCulture, $"{{'descr': '{dataType}', 'fortran_order': False, 'shape': ({sizes}), }}");
        int prefix = Magic.Length + 4;
        int size = Math.Max(length, (prefix + header.Length + Alignment) / Alignment * Alignment) - prefix;
        return [.. Magic, 1, 0, (byte)size, (byte)(size >> 8), .. Encoding.ASCII.GetBytes(header.PadRight(size - 1) + "\n")];
    }

    /// <summary>Writes a Float32 array.</summary>
    public static void Write(Stream stream, ReadOnlySpan<float> values, params ReadOnlySpan<long> shape)
    {
        WriteHeader(stream, "<f4", shape);
        stream.Write(MemoryMarshal.AsBytes(values));
    }

    /// <summary>Reads an array.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <returns>NumPy's type string, the shape, and the elements.</returns>
    /// <exception cref="InvalidDataException">The file is damaged or of another format.</exception>
    public static (string DataType, long[] Shape, ReadOnlyMemory<byte> Data) Read(ReadOnlyMemory<byte> file, string source)
    {
        var (type, shape, start) = ReadHeader(file, file.Length, source);
        return (type, shape, file[start..]);
    }

    /// <summary>Reads the header, and compares it with the file's length.</summary>
    /// <param name="file">The file's bytes, at least the first 64 KB of them.</param>
    /// <param name="fileLength">How many there are.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <returns>NumPy's type string, the shape, and the header's length.</returns>
    /// <exception cref="InvalidDataException">The file is damaged or of another format.</exception>
    internal static (string DataType, long[] Shape, int Length) ReadHeader(ReadOnlyMemory<byte> file, long fileLength, string source)
    {
        if (!file.Span.StartsWith(Magic))
        {
            throw new InvalidDataException($"'{source}' is no .npy file: it does not begin with NumPy's magic string.");
        }

        if (TryReadHeader(file) is not var (type, shape, start))
        {
            throw new InvalidDataException($"'{source}' cannot be used: expected a row-major array of little-endian numbers.");
        }

        long expected = shape.Aggregate(1L, (product, size) => product * size) * (type[^1] - '0');
        return fileLength - start == expected ? (type, shape, start) : throw new InvalidDataException(
            $"'{source}' is damaged: an array of type {type} and shape [{string.Join(", ", shape)}] takes {expected} bytes, but {fileLength - start} follow the header.");
    }

    /// <summary>Reads the header at a file's beginning; null where there is none that can be used.</summary>
    internal static (string DataType, long[] Shape, int Length)? TryReadHeader(ReadOnlyMemory<byte> file)
    {
        var bytes = file.Span;
        if (bytes.Length < Magic.Length + 6)
        {
            return null;
        }

        bool isFirstVersion = bytes[Magic.Length] == 1;
        int start = Magic.Length + (isFirstVersion ? 4 : 6);
        int length = isFirstVersion ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) : BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        var header = length >= 0 && start + length <= bytes.Length ? HeaderText().Match(Encoding.ASCII.GetString(bytes.Slice(start, length))) : Match.Empty;
        long[] Shape() => [.. header.Groups["shape"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(size => long.Parse(size, CultureInfo.InvariantCulture))];
        return header.Success ? (header.Groups["type"].Value, Shape(), start + length) : null;
    }

    [GeneratedRegex(@"'descr':\s*'(?<type>[<|][uif]\d)'.*'fortran_order':\s*False.*'shape':\s*\((?<shape>[\d,\s]*)\)", RegexOptions.Singleline)]
    private static partial Regex HeaderText();
}
