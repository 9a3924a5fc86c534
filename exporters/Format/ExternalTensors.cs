using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using OnnxVae.Format.Schema;

namespace OnnxVae.Format;

/// <summary>
/// Tensors in a separate file next to the model's, for models that a protobuf message of at most 2 GiB cannot hold.
/// </summary>
/// <remarks>The format is ONNX's: https://onnx.ai/onnx/repo-docs/ExternalData.html. The data file's name holds a hash of its
/// content, so that a new model never reads the old one's weights.</remarks>
internal static class ExternalTensors
{
    private const long LargestMessage = int.MaxValue;
    private const int SmallestExternalTensor = 1024;
    private const int HashLength = 16;
    private const int Alignment = 4096; // so that files can be mapped into memory

    /// <summary>Whether a model is too large for one file.</summary>
    public static bool AreNeeded(ModelProto proto) => Stored(proto).Sum(tensor => (long)tensor.RawData.Length) > LargestMessage - (64 << 20);

    /// <summary>Writes the data first and the model last; then deletes the data files of earlier models of this name.</summary>
    public static void Save(ModelProto proto, string path)
    {
        var large = Stored(proto).Where(tensor => tensor.RawData.Length >= SmallestExternalTensor).ToArray();
        string dataName = $"{Path.GetFileName(path)}.{Hash(large)}.data";
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var model = WithoutLarge(proto, dataName);
        AtomicFile.Write(Path.Combine(folder, dataName), stream =>
        {
            foreach (var tensor in large)
            {
                stream.Position = Align(stream.Position);
                stream.Write(tensor.RawData.Span);
            }
        });
        AtomicFile.Write(path, stream => model.WriteTo(stream));
        DeleteFormer(path, dataName);
    }

    /// <summary>Deletes the data files of earlier models of this name.</summary>
    /// <param name="path">The model's file.</param>
    /// <param name="current">The data file that stays, if any.</param>
    public static void DeleteFormer(string path, string? current = null)
    {
        string name = Path.GetFileName(path);
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, $"{name}.*.data"))
        {
            string hash = Path.GetFileName(file)[(name.Length + 1)..^".data".Length];
            if (Path.GetFileName(file) != current && hash.Length == HashLength && hash.All(char.IsAsciiHexDigitLower))
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>Reads tensors stored in other files into a model.</summary>
    /// <exception cref="InvalidDataException">Such a file is missing or too short.</exception>
    public static void Resolve(ModelProto proto, string path)
    {
        foreach (var tensor in Stored(proto).Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External))
        {
            var entries = tensor.ExternalData.ToDictionary(entry => entry.Key, entry => entry.Value);
            if (!entries.TryGetValue("location", out var location) || Path.GetFileName(location) != location)
            {
                throw new InvalidDataException($"'{path}' keeps tensor '{tensor.Name}' in '{location}', which is not a plain file name: the data must be in the model's folder.");
            }

            string file = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, location);
            if (!File.Exists(file))
            {
                throw new InvalidDataException($"'{path}' keeps tensor '{tensor.Name}' in '{location}', which is missing: put that file in the same folder.");
            }

            using var stream = RegularFile.Open(file);
            long offset = Number(entries, "offset", 0), length = Number(entries, "length", stream.Length - offset);
            if (offset < 0 || length < 0 || offset + length > stream.Length)
            {
                throw new InvalidDataException($"'{file}' has {stream.Length} bytes, but tensor '{tensor.Name}' takes {length} from {offset} on: it is truncated, or belongs to another model.");
            }

            var data = new byte[length];
            stream.Position = offset;
            stream.ReadExactly(data);
            tensor.RawData = UnsafeByteOperations.UnsafeWrap(data);
            tensor.ExternalData.Clear();
            tensor.DataLocation = TensorProto.Types.DataLocation.Default;
        }
    }

    /// <summary>A graph and the branches within it, outermost first.</summary>
    public static IEnumerable<GraphProto> GraphsOf(GraphProto graph) =>
        graph.Node.SelectMany(node => node.Attribute).Select(attribute => attribute.G).OfType<GraphProto>().SelectMany(GraphsOf).Prepend(graph);

    private static IEnumerable<TensorProto> Stored(ModelProto proto) => GraphsOf(proto.Graph).SelectMany(graph => graph.Initializer);

    // A copy of everything except the large initializers, which keep only their location.
    private static ModelProto WithoutLarge(ModelProto proto, string dataName)
    {
        var graphs = GraphsOf(proto.Graph).Select(graph => (Graph: graph, Tensors: graph.Initializer.ToArray())).ToArray();
        foreach (var (graph, _) in graphs)
        {
            graph.Initializer.Clear();
        }

        var model = proto.Clone();
        long offset = 0;
        foreach (var ((graph, tensors), copy) in graphs.Zip(GraphsOf(model.Graph)))
        {
            graph.Initializer.Add(tensors);
            foreach (var tensor in tensors)
            {
                int length = tensor.RawData.Length;
                if (length < SmallestExternalTensor)
                {
                    copy.Initializer.Add(tensor);
                    continue;
                }

                offset = Align(offset);
                copy.Initializer.Add(new TensorProto
                {
                    Name = tensor.Name,
                    DataType = tensor.DataType,
                    Dims = { tensor.Dims },
                    DataLocation = TensorProto.Types.DataLocation.External,
                    ExternalData = { Entry("location", dataName), Entry("offset", $"{offset}"), Entry("length", $"{length}") },
                });
                offset += length;
            }
        }

        return model;
    }

    private static string Hash(IEnumerable<TensorProto> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in tensors)
        {
            hash.AppendData(tensor.RawData.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..HashLength];
    }

    private static long Align(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static long Number(Dictionary<string, string> entries, string key, long otherwise) =>
        entries.TryGetValue(key, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
