using System.IO.Compression;

namespace OnnxVae.Training.Data;

/// <summary>The content of a file that may be gzipped, whatever its name says.</summary>
/// <remarks>RFC 1952: a gzip file starts with the bytes 1F 8B.</remarks>
internal static class GzipContent
{
    /// <summary>A stream that decompresses a file from its beginning, or the file itself if it is not gzipped.</summary>
    public static Stream Of(FileStream file)
    {
        bool isGzipped = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        return isGzipped ? new GZipStream(file, CompressionMode.Decompress) : file;
    }
}
