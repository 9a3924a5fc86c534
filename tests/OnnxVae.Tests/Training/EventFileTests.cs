using System.Buffers.Binary;
using OnnxVae.Tests.Support;
using OnnxVae.Training.TensorBoard;
using SkiaSharp;
using Tensorboard;
using TorchSharp;

namespace OnnxVae.Tests.Training;

/// <summary>Event files against those of TorchSharp's SummaryWriter, for the same calls.</summary>
internal sealed class EventFileTests : FolderFixture
{
    private static readonly (string Tag, float Value, int Step)[] Scalars = [("loss/training", 180.5f, 1), ("loss/training", -0.25f, 50), ("rate/validation", 1e-9f, 50), ("beta", float.MaxValue, int.MaxValue)];

    [Test]
    public void Records_AreThoseOfTorchSharp()
    {
        string picture = Folder["grid.png"];
        File.WriteAllBytes(picture, Translucent(width: 7, height: 5));
        var writer = torch.utils.tensorboard.SummaryWriter(Folder["theirs"], createRunName: false);
        using (var file = new EventFile(Folder["ours"]))
        {
            foreach (var (tag, value, step) in Scalars)
            {
                writer.add_scalar(tag, value, step);
                file.AddScalar(tag, step, value);
            }

            writer.add_img("samples", picture, 50);
            file.AddImage("samples", 50, File.ReadAllBytes(picture));
        }

        Event[] theirs = Read(Folder["theirs"]), ours = Read(Folder["ours"]);

        Assert.That(ours.Select(entry => entry.WallTime), Is.All.EqualTo((DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds).Within(600));
        Assert.That(PixelsOf(ours[^1]), Is.EqualTo(PixelsOf(theirs[^1]))); // TorchSharp encodes the picture again
        ours[^1].Summary.Value[0].Image.EncodedImageString = theirs[^1].Summary.Value[0].Image.EncodedImageString;
        Assert.That(ours.Select(WithoutTime), Is.EqualTo(theirs.Select(WithoutTime)));
    }

    [Test]
    public void ResumedFile_VoidsLaterSteps_AndIsAnother()
    {
        using EventFile first = new(Folder["events"]), second = new(Folder["events"], firstStep: 51);

        Assert.That(second.Path, Is.Not.EqualTo(first.Path));
        var start = Records(second.Path)[1];
        Assert.That((start.Step, start.SessionLog.Status), Is.EqualTo((51L, SessionLog.Types.SessionStatus.Start)));
    }

    [Test]
    public void Image_ThatIsNotPng_IsRefused()
    {
        using var file = new EventFile(Folder["events"]);

        Assert.That(() => file.AddImage("samples", 1, new byte[100]), Throws.ArgumentException.With.Message.StartsWith("The picture 'samples' is not a PNG file."));
    }

    private static byte[] Translucent(int width, int height)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        bitmap.Pixels = [.. Enumerable.Range(0, width * height).Select(i => new SKColor((byte)(7 * i), (byte)(3 * i), (byte)i, (byte)(255 - i)))];
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return data.ToArray();
    }

    private static SKColor[] PixelsOf(Event entry)
    {
        using var bitmap = SKBitmap.Decode(entry.Summary.Value[0].Image.EncodedImageString.ToByteArray());
        return bitmap.Pixels;
    }

    private static Event WithoutTime(Event entry) => new(entry) { WallTime = 0 };

    private static Event[] Read(string folder) => [.. Directory.GetFiles(folder).SelectMany(Records)];

    // With both checksums of each record.
    private static Event[] Records(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] file = new byte[stream.Length];
        stream.ReadExactly(file);
        var records = new List<Event>();
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)), Is.EqualTo(EventFile.Checksum(file.AsSpan(at, 8))));
            Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)), Is.EqualTo(EventFile.Checksum(data)));
            records.Add(Event.Parser.ParseFrom(data));
            at += length + 16;
        }

        return [.. records];
    }
}
