using Google.FlatBuffers;
using OnnxVae.Format;

namespace OnnxVae.OnnxRuntimeTraining;

/// <summary>A checkpoint of ONNX Runtime Training, a FlatBuffers file: see <c>checkpoint.fbs</c>.</summary>
/// <param name="Trained">The parameters that are trained, Float32, by name.</param>
/// <param name="Frozen">The other tensors that the graphs read, by name.</param>
public sealed record RuntimeCheckpoint(IReadOnlyDictionary<string, Tensor> Trained, IReadOnlyDictionary<string, Tensor> Frozen)
{
    private const int Version = 2;
    private const long BytesOfATensor = 512; // around its numbers, at most
    private const long LargestFile = 1 << 30; // beyond that the library cannot grow a buffer
    private const string Identifier = "ODTC", Group = "group0";

    /// <summary>Steps that the optimizer has done.</summary>
    public long Step { get; init; }

    /// <summary>The learning rate that training is meant to start with. The runtime keeps it, but starts with 1e-3 until its session is told otherwise.</summary>
    public float LearningRate { get; init; } = 1e-3f;

    /// <summary>The optimizer's moments of each trained parameter by the parameter's name: two of AdamW, one of gradient descent; empty if they were not saved.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Tensor>> Moments { get; init; } = new Dictionary<string, IReadOnlyList<Tensor>>();

    /// <summary>Whether a file begins as a checkpoint.</summary>
    public static bool IsIn(string path)
    {
        Span<byte> start = stackalloc byte[8];
        using var stream = RegularFile.Open(path);
        return stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start[4..].SequenceEqual("ODTC"u8);
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, of another version, or no checkpoint.</exception>
    public static RuntimeCheckpoint Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.");
        }

        byte[] content = RegularFile.Read(path);
        if (!IsIn(path))
        {
            throw new InvalidDataException($"'{path}' is not a checkpoint of ONNX Runtime Training: it does not begin as one.");
        }

        try
        {
            return Read(new FlatTable(content), path);
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException($"'{path}' is damaged: its tables do not fit the file.", e);
        }
    }

    private static RuntimeCheckpoint Read(FlatTable root, string path)
    {
        if (root.Int32(0) is var version && version != Version)
        {
            throw new InvalidDataException($"'{path}' is a checkpoint of version {version}; expected {Version}, that of ONNX Runtime Training 1.19.");
        }

        var module = root.Table(1) ?? throw new InvalidDataException($"'{path}' has no parameters.");
        if (module.Boolean(2))
        {
            throw new InvalidDataException($"'{path}' holds the names of parameters only, not their numbers: save the state that was trained.");
        }

        if (module.Boolean(3))
        {
            throw new InvalidDataException($"'{path}' keeps its parameters in another file: save them in the checkpoint itself.");
        }

        var group = root.Tables(2).FirstOrDefault();
        return new RuntimeCheckpoint(TensorsOf(module.Tables(0)), TensorsOf(module.Tables(1)))
        {
            Step = group?.Int64(1) ?? 0,
            LearningRate = group?.Single(2) ?? 0,
            Moments = group?.Tables(3).ToDictionary(state => state.String(0), state => (IReadOnlyList<Tensor>)[.. state.Tables(1).Select(TensorOf)]) ?? [],
        };
    }

    private static Dictionary<string, Tensor> TensorsOf(IEnumerable<FlatTable> tables) => tables.ToDictionary(table => table.String(0), TensorOf);

    private static Tensor TensorOf(FlatTable table) => new((ElementType)table.Int32(3), [.. table.Int64s(2)], table.Bytes(4));

    /// <summary>Writes a file; an existing one is replaced as a whole or not at all.</summary>
    /// <param name="path">The file.</param>
    public void Save(string path)
    {
        long size = BytesOfATensor + Trained.Concat(Frozen).Concat(Moments.SelectMany(entry => entry.Value.Select(moment => KeyValuePair.Create(entry.Key, moment))))
            .Sum(entry => entry.Value.Data.Length + entry.Key.Length + BytesOfATensor);
        if (size > LargestFile)
        {
            throw new NotSupportedException(FormattableString.Invariant($"A checkpoint of ONNX Runtime Training holds at most {LargestFile / 1e9:N1} GB, but parameters and moments take {size / 1e9:N1} GB: take a smaller model."));
        }

        var builder = new FlatBufferBuilder((int)size);
        var module = Table(builder, (0, Tensors(builder, Trained)), (1, Tensors(builder, Frozen)));
        int states = Vector(builder, [.. Moments.Select(entry => Table(
            builder, (0, builder.CreateString(entry.Key).Value), (1, Vector(builder, [.. entry.Value.Select((moment, i) => TensorOf(builder, $"momentum{i}", moment))]))))]);
        int group = builder.CreateString(Group).Value;
        builder.StartTable(4);
        builder.AddOffset(0, group, 0);
        builder.AddLong(1, Step, 0);
        builder.AddFloat(2, LearningRate, 0);
        builder.AddOffset(3, states, 0);
        int groups = Vector(builder, [builder.EndTable()]);
        builder.StartTable(3);
        builder.AddInt(0, Version, 0);
        builder.AddOffset(1, module, 0);
        builder.AddOffset(2, groups, 0);
        builder.Finish(builder.EndTable(), Identifier);
        AtomicFile.Write(path, stream => stream.Write(builder.SizedByteArray()));
    }

    /// <summary>The states of a package with the parameters of this checkpoint; other states have their initial values.</summary>
    /// <param name="package">The package of the model that was trained.</param>
    /// <param name="source">Where the checkpoint comes from, for messages.</param>
    /// <exception cref="InvalidDataException">The checkpoint belongs to another model.</exception>
    public IReadOnlyDictionary<string, Tensor> StatesOf(TrainingPackage package, string source)
    {
        ArgumentNullException.ThrowIfNull(package);
        var trained = package.Manifest.States.Where(state => state.Role == StateRole.Parameter).Select(state => state.Name).ToHashSet();
        if (trained.Except(Trained.Keys).Order(StringComparer.Ordinal).FirstOrDefault() is { } missing)
        {
            throw new InvalidDataException($"'{source}' belongs to another model than '{package.Folder}': it has no '{missing}'.");
        }

        if (Trained.Keys.Except(trained).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw new InvalidDataException($"'{source}' belongs to another model than '{package.Folder}', which does not train its '{unknown}'.");
        }

        if (package.Manifest.States.FirstOrDefault(state => state.Role is StateRole.Average or StateRole.Statistic && !Frozen.ContainsKey(state.Name)) is { } followed)
        {
            throw new InvalidDataException($"'{source}' has no '{followed.Name}', which follows the training in '{package.Folder}': compile the model for ONNX Runtime Training.");
        }

        var states = package.ReadInitialStates().ToDictionary(state => state.Key, state => Trained.GetValueOrDefault(state.Key) ?? Frozen.GetValueOrDefault(state.Key) ?? state.Value);
        package.RequireStates(states, source);
        return states;
    }

    private static int Tensors(FlatBufferBuilder builder, IReadOnlyDictionary<string, Tensor> tensors) =>
        Vector(builder, [.. tensors.Select(entry => TensorOf(builder, entry.Key, entry.Value))]);

    private static int TensorOf(FlatBufferBuilder builder, string name, Tensor tensor)
    {
        int data = Bytes(builder, tensor.Data.Span);
        builder.StartVector(sizeof(long), tensor.Shape.Rank, sizeof(long));
        foreach (long size in tensor.Shape.Reverse())
        {
            builder.AddLong(size);
        }

        int sizes = builder.EndVector().Value, text = builder.CreateString(name).Value;
        builder.StartTable(6);
        builder.AddOffset(0, text, 0);
        builder.AddOffset(2, sizes, 0);
        builder.AddInt(3, (int)tensor.Type, 0);
        builder.AddOffset(4, data, 0);
        return builder.EndTable();
    }

    // Aligned for the numbers in them.
    private static int Bytes(FlatBufferBuilder builder, ReadOnlySpan<byte> bytes)
    {
        builder.StartVector(1, bytes.Length, sizeof(long));
        if (bytes.Length > 0)
        {
            builder.Put(bytes.ToArray());
        }

        return builder.EndVector().Value;
    }

    private static int Vector(FlatBufferBuilder builder, IReadOnlyList<int> offsets)
    {
        builder.StartVector(sizeof(int), offsets.Count, sizeof(int));
        foreach (int offset in offsets.Reverse())
        {
            builder.AddOffset(offset);
        }

        return builder.EndVector().Value;
    }

    private static int Table(FlatBufferBuilder builder, params IReadOnlyList<(int Field, int Offset)> fields)
    {
        builder.StartTable(fields.Count);
        foreach (var (field, offset) in fields)
        {
            builder.AddOffset(field, offset, 0);
        }

        return builder.EndTable();
    }
}
