using System.Globalization;
using System.Text;

namespace OnnxVae.Training.Data;

/// <summary>
/// A tar stream for <see cref="System.Formats.Tar.TarReader"/>, which allocates memory for long names and attributes before it knows whether they
/// are there: entries of that kind that claim to be implausibly large are rejected.
/// </summary>
/// <param name="content">The tar.</param>
internal sealed class GuardedTar(Stream content) : Stream
{
    private const int BlockSize = 512;
    private const long LargestAttributes = 1 << 20;
    private const int SizeOffset = 124, SizeLength = 12, TypeOffset = 156; // POSIX.1-1988, ustar

    private readonly byte[] header = new byte[BlockSize];
    private int headerBytes;
    private long dataLeft; // of the current entry, including its padding

    public override bool CanRead => true;

    public override bool CanSeek => content.CanSeek;

    public override bool CanWrite => false;

    public override long Length => content.Length;

    public override long Position
    {
        get => content.Position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int count = content.Read(buffer);
        Follow(buffer[..count]);
        return count;
    }

    // The reader only seeks forward, past the data of an entry.
    public override long Seek(long offset, SeekOrigin origin)
    {
        long before = content.Position, now = content.Seek(offset, origin);
        dataLeft = Math.Max(0, dataLeft - (now - before));
        return now;
    }

    public override void Flush() => content.Flush();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Follow(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (dataLeft > 0)
            {
                int skipped = (int)Math.Min(dataLeft, bytes.Length);
                dataLeft -= skipped;
                bytes = bytes[skipped..];
                continue;
            }

            int taken = Math.Min(BlockSize - headerBytes, bytes.Length);
            bytes[..taken].CopyTo(header.AsSpan(headerBytes));
            headerBytes += taken;
            bytes = bytes[taken..];
            if (headerBytes == BlockSize)
            {
                headerBytes = 0;
                dataLeft = DataAfterHeader();
            }
        }
    }

    private long DataAfterHeader()
    {
        long size = Size();
        bool isAttributes = (char)header[TypeOffset] is 'L' or 'K' or 'x' or 'g';
        return isAttributes && size > LargestAttributes
            ? throw new InvalidDataException($"An entry's attributes claim to have {size} bytes.")
            : Math.Min(size, long.MaxValue - BlockSize) / BlockSize * BlockSize + (size % BlockSize == 0 ? 0 : BlockSize); // padded
    }

    // Octal digits, or for large files a binary number whose first bit is set.
    private long Size()
    {
        var field = header.AsSpan(SizeOffset, SizeLength);
        if ((field[0] & 0x80) != 0)
        {
            long size = 0;
            foreach (byte value in field[(SizeLength - sizeof(long))..])
            {
                size = (size << 8) | value;
            }

            return size < 0 ? long.MaxValue : size;
        }

        long octal = 0;
        foreach (char digit in Encoding.ASCII.GetString(field).Trim(' ', '\0'))
        {
            octal = (octal << 3) + (CharUnicodeInfo.GetDecimalDigitValue(digit) is >= 0 and < 8 and var value ? value : 0);
        }

        return octal;
    }
}
