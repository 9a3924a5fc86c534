using OnnxVae.Format;
using OnnxVae.Training.Data;

namespace OnnxVae.Training.Audio;

/// <summary>Windows of recordings, each after the one before; what is left at the end of a recording is not part of them.</summary>
internal sealed class WavWindows : ImageSource
{
    private const int BitsOfReals = 32;

    private readonly IReadOnlyList<Recording> recordings;
    private readonly int[] labels; // of each recording
    private readonly long[] starts; // the number of each recording's first window
    private readonly int length;

    /// <param name="recordings">The recordings, all of one format.</param>
    /// <param name="classOf">The class of each.</param>
    /// <param name="classes">All classes; none if the recordings have none.</param>
    /// <param name="length">L, samples.</param>
    public WavWindows(IReadOnlyList<Recording> recordings, IReadOnlyList<string> classOf, IReadOnlyList<string> classes, int length)
    {
        (this.recordings, Classes, this.length) = (recordings, classes, length);
        labels = [.. classOf.Select(name => Array.IndexOf([.. classes], name))];
        Shape = new ExampleShape(recordings[0].Channels, length);
        starts = new long[recordings.Count];
        for (int i = 0; i < recordings.Count; i++)
        {
            starts[i] = Count;
            Count += recordings[i].Length / length;
        }
    }

    /// <inheritdoc/>
    public override long Count { get; }

    /// <inheritdoc/>
    public override ExampleShape Shape { get; }

    /// <inheritdoc/>
    public override int BitDepth => BitsOfReals;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public override bool IsGrouped => true;

    /// <inheritdoc/>
    public override long GroupOf(long index) => Find(index).Recording;

    /// <summary>The numbers of a recording's windows.</summary>
    public IEnumerable<long> WindowsOf(int recording) => Enumerable.Range(0, recordings[recording].Length / length).Select(i => starts[recording] + i);

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels) => throw new InvalidOperationException("The examples are real numbers, not pixels.");

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values)
    {
        var (recording, window) = Find(index);
        var samples = recordings[recording].Samples.AsSpan((int)window * values.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = samples[(i % length * Channels) + (i / length)];
        }
    }

    /// <inheritdoc/>
    public override int LabelOf(long index) => Classes.Count > 0 ? labels[Find(index).Recording] : base.LabelOf(index);

    /// <inheritdoc/>
    public override string NameOf(long index)
    {
        var (recording, window) = Find(index);
        return $"{recordings[recording].Name}-{window}";
    }

    private (int Recording, long Window) Find(long index)
    {
        int found = Array.BinarySearch(starts, index), recording = found >= 0 ? found : ~found - 1;
        return (recording, index - starts[recording]);
    }
}
