using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Companions;

/// <summary>Some of a source's images, of all classes, whatever the order of the files.</summary>
/// <param name="source">The source.</param>
/// <param name="count">How many, at most.</param>
/// <param name="seed">Chooses them.</param>
internal sealed class SomeImages(ImageSource source, long count, ulong seed) : ImageSource
{
    private readonly Permutation order = new(source.Count, seed, number: 0);

    public override long Count => Math.Min(count, source.Count);

    public override int Channels => source.Channels;

    public override int Height => source.Height;

    public override int Width => source.Width;

    public override IReadOnlyList<string> Classes => source.Classes;

    public override void Read(long index, Span<byte> pixels) => source.Read(order[index], pixels);

    public override int LabelOf(long index) => source.LabelOf(order[index]);

    public override string NameOf(long index) => source.NameOf(order[index]);
}
