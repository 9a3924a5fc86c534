using System.Buffers.Binary;
using NAudio.Wave;
using OnnxVae.Format;

namespace OnnxVae.Training.Audio;

/// <summary>A <c>.wav</c> in memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Channels">C.</param>
/// <param name="SampleRate">Samples per second of each channel.</param>
/// <param name="Samples">Float32 [length, C], from -1 to 1, or any numbers in files of such.</param>
internal sealed record Recording(string Name, int Channels, int SampleRate, float[] Samples)
{
    /// <summary>Samples of each channel.</summary>
    public int Length => Samples.Length / Channels;

    /// <summary>Channels and sample rate, in words.</summary>
    public string Format => $"{Channels} {(Channels == 1 ? "channel" : "channels")} at {SampleRate} Hz";

    /// <summary>Reads a file.</summary>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="InvalidDataException">It is damaged, in a format that is not read, or holds something that is not a number.</exception>
    public static Recording Read(string name, string file)
    {
        using var content = RegularFile.Open(file);
        RequireLength(name, content);
        float[] samples;
        WaveFormat format;
        try
        {
            using var reader = new WaveFileReader(content);
            (format, samples) = (reader.WaveFormat, new float[checked((int)(reader.Length / reader.BlockAlign * reader.WaveFormat.Channels))]);
            int count = 0;
            var provider = reader.ToSampleProvider();
            for (int read; count < samples.Length && (read = provider.Read(samples.AsSpan(count))) > 0;)
            {
                count += read;
            }

            samples = count == samples.Length ? samples : throw Truncated(name);
        }
        catch (Exception e) when (e is EndOfStreamException or not (InvalidDataException or IOException))
        {
            throw new InvalidDataException($"'{name}' is not a .wav that is read: {e.Message.Trim().TrimEnd('.')}. Give PCM of 8, 16, 24 or 32 bits or 32-bit floating-point numbers, or leave such files out.", e);
        }

        int wrong = Array.FindIndex(samples, sample => !float.IsFinite(sample));
        return wrong < 0 ? new Recording(name, format.Channels, format.SampleRate, samples) : throw new InvalidDataException(
            $"Sample {wrong / format.Channels} of '{name}' is {samples[wrong]}; expected finite numbers. Replace the file, or leave such files out.");
    }

    // The header says how long the file is, except for one that was written while it was played.
    private static void RequireLength(string name, Stream content)
    {
        Span<byte> start = stackalloc byte[8];
        content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(start[4..]);
        if (content.Length < start.Length || (start.StartsWith("RIFF"u8) && length is not (0 or uint.MaxValue) && content.Length < start.Length + (long)length))
        {
            throw Truncated(name);
        }

        content.Position = 0;
    }

    private static InvalidDataException Truncated(string name) => new($"'{name}' is truncated: it is shorter than its header says. Fetch it again, or leave such files out.");
}
