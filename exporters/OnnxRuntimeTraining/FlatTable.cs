using Google.FlatBuffers;

namespace OnnxVae.OnnxRuntimeTraining;

/// <summary>A table of a FlatBuffers file, whose fields are read by their numbers; those that are missing are zero or empty.</summary>
internal sealed class FlatTable
{
    private const int FirstField = 4, FieldSize = 2; // in a table's own table of offsets

    private readonly ReadOnlyMemory<byte> content;
    private readonly Table table;

    /// <summary>The root of a file.</summary>
    public FlatTable(byte[] content)
    {
        var buffer = new ByteBuffer(content);
        (this.content, table) = (content, new Table(buffer.GetInt(0), buffer));
    }

    private FlatTable(FlatTable parent, int place) => (content, table) = (parent.content, new Table(parent.table.__indirect(place), parent.table.bb));

    public int Int32(int field) => Find(field) is > 0 and var at ? table.bb.GetInt(at) : 0;

    public long Int64(int field) => Find(field) is > 0 and var at ? table.bb.GetLong(at) : 0;

    public float Single(int field) => Find(field) is > 0 and var at ? table.bb.GetFloat(at) : 0;

    public bool Boolean(int field) => Find(field) is > 0 and var at && table.bb.Get(at) != 0;

    public string String(int field) => Find(field) is > 0 and var at ? table.__string(at) : "";

    public FlatTable? Table(int field) => Find(field) is > 0 and var at ? new FlatTable(this, at) : null;

    public IEnumerable<FlatTable> Tables(int field) => Vector(field, sizeof(int), at => new FlatTable(this, at));

    public IEnumerable<long> Int64s(int field) => Vector(field, sizeof(long), table.bb.GetLong);

    /// <summary>A part of the file, not a copy.</summary>
    public ReadOnlyMemory<byte> Bytes(int field) => Offset(field) is var (start, length) ? content.Slice(start, length) : default;

    private IEnumerable<T> Vector<T>(int field, int size, Func<int, T> read) =>
        Offset(field) is var (start, length) ? [.. Enumerable.Range(0, length).Select(i => read(start + (i * size)))] : [];

    private (int Start, int Length)? Offset(int field) => Find(field) is > 0 and var at ? (table.__vector(at - table.bb_pos), table.__vector_len(at - table.bb_pos)) : null;

    private int Find(int field) => table.__offset(FirstField + (field * FieldSize)) is > 0 and var offset ? table.bb_pos + offset : 0;
}
