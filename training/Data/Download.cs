using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace OnnxVae.Training.Data;

/// <summary>Fetches a file over HTTP: tries again when a connection breaks or stalls, goes on where it stopped, and keeps only what has the published checksum.</summary>
/// <param name="address">Where it is.</param>
/// <param name="file">Where to put it.</param>
/// <param name="partial">What has arrived of it until it is complete.</param>
/// <param name="md5">Its checksum, in hexadecimal digits.</param>
/// <param name="patience">How long nothing may arrive before a connection counts as broken.</param>
internal sealed class Download(Uri address, string file, string partial, string md5, TimeSpan patience)
{
    private const int Attempts = 4;
    private const int BufferSize = 1 << 16;

    private static readonly HttpClient Client = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Fetches the file, or the rest of it.</summary>
    /// <param name="progress">Called with the number of bytes that are there.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>; what has arrived is kept.</param>
    /// <exception cref="HttpRequestException">The server does not give it, or the connection breaks again and again.</exception>
    /// <exception cref="InvalidDataException">It has another checksum.</exception>
    /// <exception cref="IOException">It cannot be stored.</exception>
    public void Fetch(Action<long> progress, CancellationToken cancellation)
    {
        bool isContinued = File.Exists(partial);
        FetchAll(progress, cancellation);
        string found = Checksum();
        if (found != md5 && isContinued)
        {
            File.Delete(partial); // what had arrived earlier may be of another version
            FetchAll(progress, cancellation);
            found = Checksum();
        }

        if (found != md5)
        {
            File.Delete(partial);
            throw new InvalidDataException($"What {address} gives is not the published file: its MD5 checksum is {found}, expected {md5}. Try again, or get '{Path.GetFileName(file)}' elsewhere and put it into '{Path.GetDirectoryName(file)}'.");
        }

        File.Move(partial, file, overwrite: true);
    }

    private void FetchAll(Action<long> progress, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                FetchRestAsync(progress, cancellation).GetAwaiter().GetResult();
                return;
            }
            catch (Exception e) when (IsBroken(e) && !cancellation.IsCancellationRequested)
            {
                if (attempt == Attempts)
                {
                    throw new HttpRequestException(e is OperationCanceledException ? $"nothing arrived for {patience.TotalSeconds:0.#} seconds" : e.Message, e);
                }
            }
        }
    }

    private async Task FetchRestAsync(Action<long> progress, CancellationToken cancellation)
    {
        using var part = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write);
        long there = part.Seek(0, SeekOrigin.End);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Range = there > 0 ? new RangeHeaderValue(there, null) : null;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        waiting.CancelAfter(patience);
        using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, waiting.Token).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && there > 0)
        {
            return; // all of it is there, or what is there is wrong
        }

        response.EnsureSuccessStatusCode();
        if (response.StatusCode != HttpStatusCode.PartialContent)
        {
            part.SetLength(there = 0);
        }

        using var content = await response.Content.ReadAsStreamAsync(waiting.Token).ConfigureAwait(false);
        var buffer = new byte[BufferSize];
        for (int count; (count = await content.ReadAsync(buffer, waiting.Token).ConfigureAwait(false)) > 0;)
        {
            part.Write(buffer, 0, count);
            progress(there += count);
            waiting.CancelAfter(patience);
        }
    }

    // A connection that may be tried again, and not what a server refuses or a disk does not take.
    private static bool IsBroken(Exception e) => e switch
    {
        HttpRequestException { StatusCode: { } status } => (int)status >= 500,
        HttpRequestException or HttpIOException or OperationCanceledException => true,
        IOException { InnerException: SocketException } => true,
        _ => false,
    };

    [SuppressMessage("Security", "CA5351:Do Not Use Broken Cryptographic Algorithms", Justification = "It is the checksum that is published.")]
    private string Checksum()
    {
        using var content = File.OpenRead(partial);
        return Convert.ToHexStringLower(MD5.HashData(content));
    }
}
