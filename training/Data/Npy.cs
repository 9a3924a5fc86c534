using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace OnnxVae.Training.Data;

/// <summary>The header of a <c>.npy</c> file.</summary>
/// <param name="DataType">NumPy's type string: byte order, kind and size in bytes, as in <c>|u1</c> or <c>&gt;f4</c>.</param>
/// <param name="IsFortran">Whether the first index varies fastest, instead of the last.</param>
/// <param name="Shape">The array's shape.</param>
/// <param name="Length">Bytes before the first element.</param>
internal sealed record NpyHeader(string DataType, bool IsFortran, long[] Shape, int Length)
{
    /// <summary>Whether its elements are unsigned integers of 16 bits.</summary>
    public bool IsUInt16 => this is { Kind: 'u', ItemSize: 2 };

    /// <summary>Bytes per element.</summary>
    public int ItemSize => DataType[2] - '0';

    /// <summary>The kind of an element: <c>b</c> for Booleans, <c>i</c>, <c>u</c>, <c>f</c>.</summary>
    public char Kind => DataType[1];

    /// <summary>Whether the most significant byte of an element comes first.</summary>
    public bool IsBigEndian => DataType[0] == '>';

    /// <summary>Number of elements; may exceed a long if the shape claims that many.</summary>
    public Int128 Count => Shape.Aggregate((Int128)1, (product, size) => product > long.MaxValue ? product : product * size);

    /// <summary>NumPy's name of the type, as in <c>float32</c>.</summary>
    public string TypeName => Kind == 'b' ? "bool" : $"{Kind switch { 'i' => "int", 'u' => "uint", _ => "float" }}{8 * ItemSize}";

    /// <summary>The shape in brackets.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";

    /// <summary>An element as a number.</summary>
    /// <param name="data">The elements, as stored.</param>
    /// <param name="index">Its index in storage order.</param>
    public double Element(ReadOnlySpan<byte> data, long index)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes = bytes[..ItemSize];
        data.Slice((int)(index * ItemSize), ItemSize).CopyTo(bytes);
        if (IsBigEndian)
        {
            bytes.Reverse();
        }

        return (Kind, ItemSize) switch
        {
            ('b', 1) or ('u', 1) => bytes[0],
            ('i', 1) => (sbyte)bytes[0],
            ('u', 2) => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            ('i', 2) => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            ('f', 2) => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes),
            ('u', 4) => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            ('i', 4) => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ('f', 4) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ('u', 8) => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            ('i', 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            _ => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        };
    }
}

/// <summary>NumPy's array file format: numbers and Booleans in any byte order, with the first or the last index varying fastest.</summary>
/// <remarks>NEP 1, A simple file format for NumPy arrays.</remarks>
public static partial class Npy
{
    /// <summary>The longest header that is read.</summary>
    internal const int LongestHeader = 1 << 16;

    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Whether a file begins as one.</summary>
    internal static bool IsOne(ReadOnlySpan<byte> start) => start.StartsWith(Magic);

    /// <summary>Writes a header.</summary>
    /// <param name="stream">The file's beginning.</param>
    /// <param name="dataType">NumPy's type string, <c>|u1</c> or <c>&lt;f4</c>.</param>
    /// <param name="shape">The array's shape.</param>
    public static void WriteHeader(Stream stream, string dataType, params ReadOnlySpan<long> shape) => stream.Write(Header(dataType, shape));

    /// <summary>The bytes of a header.</summary>
    /// <param name="dataType">NumPy's type string.</param>
    /// <param name="shape">The array's shape.</param>
    /// <param name="length">Minimum length in bytes.</param>
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
    /// <exception cref="InvalidDataException">The file is damaged or in another format.</exception>
    public static (string DataType, long[] Shape, ReadOnlyMemory<byte> Data) Read(ReadOnlyMemory<byte> file, string source)
    {
        var header = ReadHeader(file.Span, file.Length, source);
        return (header.DataType, header.Shape, file[header.Length..]);
    }

    /// <summary>Reads the header and checks it against the file's length.</summary>
    /// <param name="file">The file's bytes, at least the first <see cref="LongestHeader"/> of them.</param>
    /// <param name="fileLength">The length of the file in bytes.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">The file is damaged or in another format.</exception>
    internal static NpyHeader ReadHeader(ReadOnlySpan<byte> file, long fileLength, string source)
    {
        if (!file.StartsWith(Magic))
        {
            throw new InvalidDataException($"'{source}' is not a .npy file: it does not begin with NumPy's magic string.");
        }

        if (TryReadHeader(file) is not { } header)
        {
            throw new InvalidDataException($"'{source}' cannot be used: expected an array of numbers or truth values, with a header of at most {LongestHeader} bytes.");
        }

        return header.Count * header.ItemSize == fileLength - header.Length ? header : throw new InvalidDataException(
            $"'{source}' is damaged: an array of type {header.DataType} and shape {header.ShapeText} takes {header.Count * header.ItemSize} bytes, but {fileLength - header.Length} follow the header.");
    }

    /// <summary>Reads the header at a file's beginning; null if there is no usable one.</summary>
    internal static NpyHeader? TryReadHeader(ReadOnlySpan<byte> file)
    {
        if (file.Length < Magic.Length + 6 || !file.StartsWith(Magic))
        {
            return null;
        }

        bool isFirstVersion = file[Magic.Length] == 1;
        int start = Magic.Length + (isFirstVersion ? 4 : 6);
        uint length = isFirstVersion ? BinaryPrimitives.ReadUInt16LittleEndian(file[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (length > file.Length - start)
        {
            return null;
        }

        var header = HeaderText().Match(Encoding.ASCII.GetString(file.Slice(start, (int)length)));
        return header.Success && ParseShape(header.Groups["shape"].Value) is { } shape && Type(header.Groups["type"].Value) is { } type
            ? new NpyHeader(type, header.Groups["fortran"].Value == "True", shape, start + (int)length)
            : null;
    }

    private static string? Type(string text) => text[1..] is "b1" or "u1" or "i1" or "u2" or "i2" or "f2" or "u4" or "i4" or "f4" or "u8" or "i8" or "f8" ? text : null;

    private static long[]? ParseShape(string text)
    {
        string[] sizes = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        long[] shape = [.. sizes.Select(size => long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1)];
        return shape.Contains(-1) ? null : shape;
    }

    [GeneratedRegex(@"'descr':\s*'(?<type>[<>|=][a-z]\d)'.*'fortran_order':\s*(?<fortran>False|True).*'shape':\s*\((?<shape>[\d,\s]*)\)", RegexOptions.Singleline)]
    private static partial Regex HeaderText();
}
