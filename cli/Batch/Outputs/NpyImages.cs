using System.Runtime.InteropServices;
using System.Text;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Images in a .npy, UInt8 or Float32 [N, C, ...], with their names, if any, in a text file next to it; skipped images have no row.</summary>
internal sealed class NpyImages(string path, OutputImages images, CorruptImages? corrupt) : ImageOutput
{
    private readonly ArrayFile file = new(path, images.IsReal ? "<f4" : "|u1", [.. images.Model.Axes.Select(size => (long)size)], images.Range, hasNames: images.Names is not null, corrupt: corrupt);

    public override IReadOnlyList<ImageRange> Missing => file.Missing;

    public override JobStep Prepare(long first, ReadOnlySpan<float> block)
    {
        byte[] values = images.IsReal ? MemoryMarshal.AsBytes(block).ToArray() : OutputImages.ToBytes(block);
        var names = new StringBuilder();
        int count = block.Length / images.Size, size = values.Length / count, kept = 0;
        for (int i = 0; i < count; i++)
        {
            if (corrupt?.Contains(first + i) != true)
            {
                values.AsSpan(i * size, size).CopyTo(values.AsSpan(kept++ * size));
                names.Append(images.Names is { } of ? $"{ArrayFile.OneLine(of[first + i])}\n" : "");
            }
        }

        return new JobStep(count, () => file.Append(values.AsSpan(0, kept * size), Encoding.UTF8.GetBytes(names.ToString()), first + count));
    }

    public override void Finish()
    {
        if (!file.IsFinished)
        {
            file.Finish();
        }
    }

    public override void Dispose()
    {
        file.Dispose();
        base.Dispose();
    }
}
