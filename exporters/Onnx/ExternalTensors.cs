using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using OnnxVae.Exporters.Onnx.Schema;

namespace OnnxVae.Exporters.Onnx;

/// <summary>
/// Tensors in a file of their own beside the model's, for models that a protobuf message of at most 2 GiB cannot hold.
/// </summary>
/// <remarks>The form is ONNX's: https://onnx.ai/onnx/repo-docs/ExternalData.html. The data file's name holds a hash of its
/// content, so that a new model never meets the old one's weights.</remarks>
internal static class ExternalTensors
{
    private const long LargestMessage = int.MaxValue;
    private const int SmallestExternalTensor = 1024;
    private const int Alignment = 4096; // so that files can be mapped into memory

    /// <summary>Whether a model is too large for one file.</summary>
    public static bool AreNeeded(ModelProto proto) => proto.Graph.Initializer.Sum(tensor => (long)tensor.RawData.Length) > LargestMessage - (64 << 20);

    /// <summary>Writes the data first and the model last; then data files of former models of this name go.</summary>
    public static void Save(ModelProto proto, string path)
    {
        var large = proto.Graph.Initializer.Where(tensor => tensor.RawData.Length >= SmallestExternalTensor).ToArray();
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
        foreach (string old in Directory.EnumerateFiles(folder, $"{Path.GetFileName(path)}.*.data").Where(file => Path.GetFileName(file) != dataName))
        {
            File.Delete(old);
        }
    }

    /// <summary>Reads tensors that lie in other files into a model.</summary>
    /// <exception cref="InvalidDataException">Such a file is missing or too short.</exception>
    public static void Resolve(ModelProto proto, string path)
    {
        foreach (var tensor in proto.Graph.Initializer.Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External))
        {
            var entries = tensor.ExternalData.ToDictionary(entry => entry.Key, entry => entry.Value);
            string file = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, entries["location"]);
            if (!File.Exists(file))
            {
                throw new InvalidDataException($"'{path}' keeps tensor '{tensor.Name}' in '{entries["location"]}', which is not there: put that file beside it.");
            }

            using var stream = File.OpenRead(file);
            long offset = Number(entries, "offset", 0), length = Number(entries, "length", stream.Length - offset);
            if (offset + length > stream.Length)
            {
                throw new InvalidDataException($"'{file}' has {stream.Length} bytes, but tensor '{tensor.Name}' ends at {offset + length}: it is truncated, or belongs to another model.");
            }

            var data = new byte[length];
            stream.Position = offset;
            stream.ReadExactly(data);
            tensor.RawData = UnsafeByteOperations.UnsafeWrap(data);
            tensor.ExternalData.Clear();
            tensor.DataLocation = TensorProto.Types.DataLocation.Default;
        }
    }

    // A shallow copy: cloning would copy the weights.
    private static ModelProto WithoutLarge(ModelProto proto, string dataName)
    {
        var graph = new GraphProto { Name = proto.Graph.Name, Node = { proto.Graph.Node }, Input = { proto.Graph.Input }, Output = { proto.Graph.Output } };
        long offset = 0;
        foreach (var tensor in proto.Graph.Initializer)
        {
            int length = tensor.RawData.Length;
            if (length < SmallestExternalTensor)
            {
                graph.Initializer.Add(tensor);
                continue;
            }

            offset = Align(offset);
            graph.Initializer.Add(new TensorProto
            {
                Name = tensor.Name,
                DataType = tensor.DataType,
                Dims = { tensor.Dims },
                DataLocation = TensorProto.Types.DataLocation.External,
                ExternalData = { Entry("location", dataName), Entry("offset", $"{offset}"), Entry("length", $"{length}") },
            });
            offset += length;
        }

        return new ModelProto
        {
            IrVersion = proto.IrVersion,
            ProducerName = proto.ProducerName,
            ProducerVersion = proto.ProducerVersion,
            Graph = graph,
            OpsetImport = { proto.OpsetImport },
            MetadataProps = { proto.MetadataProps },
        };
    }

    private static string Hash(IEnumerable<TensorProto> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in tensors)
        {
            hash.AppendData(tensor.RawData.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private static long Align(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static long Number(Dictionary<string, string> entries, string key, long otherwise) =>
        entries.TryGetValue(key, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
