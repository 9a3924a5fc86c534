using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;
using OnnxVae.Training.TensorBoard.Proto;

namespace OnnxVae.Training.TensorBoard;

/// <summary>
/// A TensorBoard event file. Each record is the length of its data (8 bytes), a checksum of these, the data, and a checksum of the data; checksums are masked
/// CRC-32C. Records are written through at once, so that a process that is killed loses at most the record being written.
/// </summary>
/// <remarks>TensorFlow's TFRecord format, and its protocol buffers Event and Summary.</remarks>
public sealed class EventFile : IDisposable
{
    private const string Version = "brain.Event:2";

    private readonly FileStream file;
    private readonly Lock turn = new();

    /// <summary>Creates a file in a folder. TensorBoard reads all of a folder's files, in the order of their times.</summary>
    /// <param name="folder">The folder, created if missing.</param>
    /// <param name="firstStep">The first step of a run that is resumed: TensorBoard drops what earlier files of the folder say about it and later ones. Null for a new run.</param>
    public EventFile(string folder, long? firstStep = null)
    {
        Directory.CreateDirectory(folder);
        file = Create(folder);
        Write(new Event { FileVersion = Version });
        if (firstStep is { } step)
        {
            Write(new Event { Step = step, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } });
        }
    }

    /// <summary>The file.</summary>
    public string Path => file.Name;

    /// <summary>Adds a number.</summary>
    /// <param name="tag">Its name; a name before a slash groups charts.</param>
    /// <param name="step">The step.</param>
    /// <param name="value">The number; stored as Float32.</param>
    public void AddScalar(string tag, long step, double value) => Add(step, new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });

    /// <summary>Adds a picture.</summary>
    /// <param name="tag">Its name.</param>
    /// <param name="step">The step.</param>
    /// <param name="png">The picture, as a PNG file.</param>
    /// <exception cref="ArgumentException">It is not a PNG file.</exception>
    public void AddImage(string tag, long step, ReadOnlySpan<byte> png)
    {
        const int widthAt = 16, heightAt = 20, colorAt = 25, end = 26; // of the file's first chunk
        ReadOnlySpan<byte> signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];
        if (png.Length < end || !png.StartsWith(signature))
        {
            throw new ArgumentException($"The picture '{tag}' is not a PNG file.", nameof(png));
        }

        Add(step, new Summary.Types.Value
        {
            Tag = tag,
            Image = new Summary.Types.Image
            {
                Width = BinaryPrimitives.ReadInt32BigEndian(png[widthAt..]),
                Height = BinaryPrimitives.ReadInt32BigEndian(png[heightAt..]),
                Colorspace = ChannelsOf(png[colorAt]),
                EncodedImageString = ByteString.CopyFrom(png),
            },
        });
    }

    // Of PNG's color types: grayscale, grayscale with alpha, RGBA, and RGB or a palette of it.
    private static int ChannelsOf(byte colorType) => colorType switch
    {
        0 => 1,
        4 => 2,
        6 => 4,
        _ => 3,
    };

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private void Add(long step, Summary.Types.Value value) => Write(new Event { Step = step, Summary = new Summary { Value = { value } } });

    private void Write(Event entry)
    {
        entry.WallTime = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
        byte[] data = entry.ToByteArray(), record = new byte[data.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Checksum(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), Checksum(data));
        lock (turn)
        {
            file.Write(record);
            file.Flush();
        }
    }

    // The time in the name is that of the first record; two files of a second differ in the number at the end.
    private static FileStream Create(string folder)
    {
        for (int number = 0; ; number++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}.{Environment.MachineName}.{number}");
            string path = System.IO.Path.Combine(folder, name);
            if (!File.Exists(path))
            {
                return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            }
        }
    }

    internal static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        crc = ~crc;
        return BitOperations.RotateRight(crc, 15) + 0xA282EAD8; // the mask
    }
}
