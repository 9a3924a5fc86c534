using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OnnxVae.Format;

/// <summary>Reads and writes the safetensors format: a JSON header with names, types, shapes and offsets, then the raw tensors.</summary>
/// <remarks>https://github.com/huggingface/safetensors. Tensors are stored in ordinal order of their names, so that equal content gives equal bytes.</remarks>
public static class Safetensors
{
    private const string MetadataKey = "__metadata__";
    private const string ChecksumKey = "sha256"; // of everything else in the file

    private static readonly Dictionary<ElementType, string> TypeNames = new()
    {
        [ElementType.Float32] = "F32",
        [ElementType.UInt8] = "U8",
        [ElementType.Int64] = "I64",
        [ElementType.Bool] = "BOOL",
    };

    // Other floating-point types become Float32 when they are read.
    private static readonly Dictionary<string, (int Size, Func<byte[], int, float> Read)> Converted = new()
    {
        ["F16"] = (2, (bytes, start) => (float)BitConverter.ToHalf(bytes, start)),
        ["BF16"] = (2, (bytes, start) => BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(bytes, start) << 16)),
        ["F64"] = (8, (bytes, start) => (float)BitConverter.ToDouble(bytes, start)),
    };

    /// <summary>Writes tensors and metadata; an existing file is replaced as a whole or not at all.</summary>
    /// <exception cref="NotSupportedException">The tensors take more than 2 GiB.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToArray();
        var entries = new SortedDictionary<string, string>((metadata ?? new Dictionary<string, string>()).ToDictionary(), StringComparer.Ordinal);
        entries[ChecksumKey] = Checksum(tensors, entries);
        var header = new JsonObject { [MetadataKey] = new JsonObject(entries.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))) };
        long offset = 0;
        foreach (var (name, tensor) in ordered)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = TypeNames[tensor.Type],
                ["shape"] = new JsonArray([.. tensor.Shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(offset, offset += tensor.Data.Length),
            };
        }

        if (offset > int.MaxValue)
        {
            throw new NotSupportedException($"The tensors for '{path}' take {offset} bytes; files of more than 2 GiB are not supported.");
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        json = [.. json, .. Enumerable.Repeat((byte)' ', -json.Length & 7)];
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
            stream.Write(length);
            stream.Write(json);
            foreach (var (_, tensor) in ordered)
            {
                stream.Write(tensor.Data.Span);
            }
        });
    }

    /// <summary>
    /// Reads a file. If it has a checksum, as files written by <see cref="Save"/> do, the content is verified against it. Numbers of 16 bits (F16, BF16) and of
    /// 64 bits (F64) become Float32.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is truncated, damaged, or of another format.</exception>
    public static (IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata) Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.");
        }

        try
        {
            var (tensors, metadata) = Parse(RegularFile.Read(path));
            if (metadata.TryGetValue(ChecksumKey, out string? checksum) && checksum != Checksum(tensors, metadata))
            {
                throw new InvalidDataException($"'{path}' is damaged: its content does not have the checksum that was stored with it.");
            }

            return (tensors, metadata);
        }
        catch (NotSupportedException e)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException or FormatException or KeyNotFoundException or OverflowException or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"'{path}' is damaged or is not a safetensors file.", e);
        }
    }

    private static (IReadOnlyDictionary<string, Tensor>, IReadOnlyDictionary<string, string>) Parse(ReadOnlyMemory<byte> file)
    {
        int headerLength = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file.Span));
        var header = NotNull(JsonNode.Parse(file.Span.Slice(8, headerLength))).AsObject();
        var data = file[(8 + headerLength)..];
        var tensors = new Dictionary<string, Tensor>();
        var metadata = new Dictionary<string, string>();
        foreach (var (name, entry) in header)
        {
            if (name == MetadataKey)
            {
                metadata = NotNull(entry).AsObject().ToDictionary(pair => pair.Key, pair => NotNull(pair.Value).GetValue<string>());
                continue;
            }

            Shape shape = [.. Field(entry, "shape").AsArray().Select(d => NotNull(d).GetValue<long>())];
            var offsets = Field(entry, "data_offsets").AsArray();
            int start = NotNull(offsets[0]).GetValue<int>(), end = NotNull(offsets[1]).GetValue<int>();
            tensors[name] = ToTensor(name, Field(entry, "dtype").GetValue<string>(), shape, data[start..end]);
        }

        return (tensors, metadata);
    }

    private static Tensor ToTensor(string name, string stored, Shape shape, ReadOnlyMemory<byte> data)
    {
        if (!Converted.TryGetValue(stored, out var other))
        {
            var type = TypeNames.FirstOrDefault(pair => pair.Value == stored) is { Value: not null } known ? known.Key : throw new NotSupportedException(
                $"Tensor '{name}' has the element type {stored}; {string.Join(", ", TypeNames.Values.Concat(Converted.Keys))} are read.");
            return new Tensor(type, shape, data);
        }

        byte[] bytes = data.ToArray();
        return bytes.Length == shape.ElementCount * other.Size
            ? Tensor.From<float>(shape, [.. Enumerable.Range(0, bytes.Length / other.Size).Select(i => other.Read(bytes, i * other.Size))])
            : throw new FormatException($"Tensor '{name}' has {bytes.Length} bytes.");
    }

    private static string Checksum(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, value) in metadata.Where(pair => pair.Key != ChecksumKey).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Add($"{key}={value}");
        }

        foreach (var (name, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Add($"{name} {TypeNames[tensor.Type]} {tensor.Shape}");
            hash.AppendData(tensor.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Add(string text) => hash.AppendData([.. Encoding.UTF8.GetBytes(text), 0]);
    }

    private static JsonNode NotNull(JsonNode? node) => node ?? throw new FormatException("A part of the header is null.");

    private static JsonNode Field(JsonNode? entry, string name) => entry?[name] ?? throw new FormatException($"An entry has no {name}.");
}
