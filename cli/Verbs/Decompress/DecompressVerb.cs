using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Inference.Coding;

namespace OnnxVae.Cli.Verbs.Decompress;

/// <summary>Decodes a file of entropy-coded latents back to images.</summary>
[Verb("decompress", VerbTopic.Latents, "Decodes images from coded latents.", Example = "decompress runs/coder photos.latents --out photos")]
internal sealed class DecompressVerb : LongVerb<DecompressOptions>
{
    protected override async Task<int> RunAsync(DecompressOptions options, CancellationToken cancellation)
    {
        string directory = ModelPath.VaeFolder(options.Model), file = options.File, decoderFile = Path.Combine(directory, ExportedFiles.Decoder);
        var job = options.Job;
        using var decoder = VaeDecoder.Load(decoderFile, job.ToVaeOptions());
        var codec = LatentCodec.Load(ExportedModel.RequireDensity(directory));
        var asked = job.Describe("decompress", [("decoder", decoderFile), ("latents", file)]);
        var images = job.Images(decoder.Metadata, Verify(codec, file));

        using var claim = JobRecord.Claim(job.Paths, asked);
        using var output = ImageOutput.Open(job.Paths, images);
        ImageRange[] missing = output.Missing is [var first, ..] ? [images.Range with { First = first.First }] : [];
        long made = await ImageJob.RunAsync(
            "Decompressing", missing, range => decoder.DecodeAsync(range.First, Rows(codec, file, range), output.Prepare, cancellation), output.Finish, cancellation);
        ImageJob.Report("Decompressed", made, images.Range, job.Paths, images.Model);
        return ExitCode.Done;
    }

    // The checksum comes last: everything is read once before any image is written.
    private static long Verify(LatentCodec codec, string file)
    {
        using var stream = new BufferedStream(RegularFile.Open(file));
        long count, read;
        try
        {
            (count, var rows) = codec.Read(stream);
            read = rows.LongCount();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{file}' cannot be decompressed: {e.Message}", e);
        }

        return read == count ? count : throw new InvalidDataException($"'{file}' is damaged: it should hold {count} images, but {read} were read.");
    }

    // Codes can only be read in order, from the beginning.
    private static IEnumerable<float[]> Rows(LatentCodec codec, string file, ImageRange range)
    {
        using var stream = new BufferedStream(RegularFile.Open(file));
        long number = 0;
        foreach (float[] row in codec.Read(stream).Rows.TakeWhile(_ => number < range.End))
        {
            if (number++ >= range.First)
            {
                yield return row;
            }
        }
    }
}
