using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>One image in one file, which overwrites an existing one.</summary>
internal sealed class SinglePicture(string path, OutputImages images) : ImageOutput
{
    public override IReadOnlyList<ImageRange> Missing => [images.Range];

    public override JobStep Prepare(long first, ReadOnlySpan<float> block)
    {
        byte[] file = images.Format.Encode(OutputImages.ToBytes(block), images.Model.Channels, images.Model.Height, images.Model.Width);
        return new JobStep(1, () => AtomicFile.Write(path, stream => stream.Write(file)));
    }
}
