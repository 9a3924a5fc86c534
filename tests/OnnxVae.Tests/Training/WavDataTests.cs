using System.Text;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Audio;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Training;

/// <summary>Windows of sound.</summary>
internal sealed class WavDataTests : FolderFixture
{
    [TestCase(8, 1, 1.0 / 128)]
    [TestCase(16, 1, 1.0 / 32768)]
    [TestCase(24, 1, 1.0 / 8388608)]
    [TestCase(32, 1, 1e-7)]
    [TestCase(32, 3, 1e-7)]
    public void Window_HasItsSamplesChannelByChannel(int bits, int format, double step)
    {
        double[] samples = [.. Enumerable.Range(0, 2 * 11).Select(i => Math.Sin(i))]; // of the left and the right channel in turn
        WriteWav("a.wav", channels: 2, samples, bits, format);

        var data = WavData.Open(Folder["a.wav"], new ImageOptions(), window: 4).All;

        Assert.That((data.Count, data.Shape.ToString(), data.NameOf(1), data.IsReal, data.IsUnitRange), Is.EqualTo((2L, "2 x 4", "a.wav-1", true, false)));
        var window = new float[8];
        data.ReadImage(1, window);
        Assert.That(window[..4], Is.EqualTo(Enumerable.Range(4, 4).Select(t => samples[2 * t])).Within(step), "left");
        Assert.That(window[4..], Is.EqualTo(Enumerable.Range(4, 4).Select(t => samples[(2 * t) + 1])).Within(step), "right");
    }

    [Test]
    public void Folder_HasSplitsClassesAndWhatIsPassedOver()
    {
        foreach (string name in (string[])["train/bird/1.wav", "train/cat/1.wav", "test/bird/2.wav", "test/cat/2.WAV"])
        {
            WriteWav(name, channels: 1, new double[9], 16);
        }

        WriteWav("train/cat/short.wav", channels: 1, new double[3], 16);
        File.WriteAllText(Folder["train/cat/notes.txt"], "");

        Assert.That(WavData.IsOne(Folder.Path));
        var data = WavData.Open(Folder.Path, new ImageOptions(), window: 4);

        Assert.That((data.Train.Count, data.Test.Count, data.All.Count), Is.EqualTo((4L, 4L, 8L)));
        Assert.That(data.Train.Classes, Is.EqualTo((string[])["bird", "cat"]));
        Assert.That(Enumerable.Range(0, 4).Select(i => data.Train.LabelOf(i)), Is.EqualTo((int[])[0, 0, 1, 1]));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 .txt file (not a .wav)", "1 recording (shorter than a window of 4 samples)"]));
    }

    [Test]
    public void Recordings_WithoutSplits_AreHeldOutAsAWhole()
    {
        for (int i = 0; i < 20; i++)
        {
            WriteWav($"{i:00}.wav", channels: 1, [.. Enumerable.Repeat(i / 20.0, 12)], 16);
        }

        var data = WavData.Open(Folder.Path, new ImageOptions(), window: 4);

        string[] train = [.. Enumerable.Range(0, (int)data.Train.Count).Select(i => data.Train.NameOf(i)[..2])], test = [.. Enumerable.Range(0, (int)data.Test.Count).Select(i => data.Test.NameOf(i)[..2])];
        Assert.That((train.Length, test.Length, train.Intersect(test).Count(), test.Distinct().Count()), Is.EqualTo((54, 6, 0, 2)));
        Assert.That(data.All.NameOf(4), Is.EqualTo("01.wav-1"), "in their own order");
    }

    [Test]
    public void Recordings_OfATrainingFolder_AreHeldOutAsAWhole()
    {
        for (int i = 0; i < 8; i++)
        {
            WriteWav($"set/train/{i:00}.wav", channels: 1, new double[12], 16);
        }

        WriteWav("set/val/v.wav", channels: 1, new double[12], 16);
        var data = WavData.Open(Folder.Path, new ImageOptions(), window: 4);
        Assert.That((data.Train.Count, data.Test.Count, data.Validation!.Count, data.All.NameOf(0)), Is.EqualTo((21L, 3L, 3L, "train/00.wav-0")));
        Assert.That(Enumerable.Range(0, 3).Select(i => data.Test.GroupOf(i)).Distinct().Count(), Is.EqualTo(1));

        Directory.Delete(Folder["set/val"], recursive: true);
        data = WavData.Open(Folder.Path, new ImageOptions(), window: 4).WithValidation(0.2);
        Assert.That((data.Train.Count, data.Test.Count, data.Validation!.Count), Is.EqualTo((15L, 3L, 6L)));
        Assert.That(Enumerable.Range(0, 6).Select(i => data.Validation.GroupOf(i)).Intersect(Enumerable.Range(0, 15).Select(i => data.Train.GroupOf(i))), Is.Empty);
        Assert.That(() => WavData.Open(Folder.Path, new ImageOptions { Channels = 3 }), Throws.TypeOf<InvalidDataException>().With.Message.EndsWith("leave that out."));
    }

    [Test]
    public void Recordings_ThatDiffer_AreNamed()
    {
        WriteWav("a.wav", channels: 1, new double[8], 16);
        WriteWav("b.wav", channels: 2, new double[8], 16);

        Assert.That(() => WavData.Open(Folder.Path, new ImageOptions(), window: 4), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            "'a.wav' has 1 channel at 8000 Hz, 'b.wav' 2 channels at 8000 Hz: they must be alike. Convert one of them."));
        Assert.That(() => WavData.Open(Folder["a.wav"], new ImageOptions(), window: 9), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith(
            $"'{Folder["a.wav"]}' has no .wav of at least 9 samples. Found were 1 recording (shorter than a window of 9 samples)."));
    }

    [TestCase(0)]
    [TestCase(20)]
    [TestCase(50)]
    public void Recording_ThatIsDamaged_IsNamedOrSkipped(int length)
    {
        WriteWav("a.wav", channels: 1, new double[100], 16);
        WriteWav("b.wav", channels: 1, new double[100], 16);
        File.WriteAllBytes(Folder["b.wav"], File.ReadAllBytes(Folder["b.wav"])[..length]);

        Assert.That(() => WavData.Open(Folder.Path, new ImageOptions(), window: 10), Throws.TypeOf<InvalidDataException>().With.Message.Contains("b.wav'"));
        Assert.That(WavData.Open(Folder.Path, new ImageOptions { SkipCorrupt = true }, window: 10).All.Count, Is.EqualTo(10));
    }

    [Test]
    public void Sound_IsTrainedServedAndScored()
    {
        Directory.CreateDirectory(Folder["sound"]);
        for (int i = 0; i < 3; i++)
        {
            WriteWav($"sound/{i}.wav", channels: 1, [.. Enumerable.Range(0, 640).Select(t => 0.5 * Math.Sin(t * (i + 1) / 7.0))], 16);
        }

        Support.Cli.Succeed("train", "--data", Folder["sound"], "--window", "64", "--model", "conv", "--batch", "4", "--steps", "5", "--importance-samples", "2", "--out", Folder["run"]);
        Support.Cli.Succeed("score", Folder["run"], "--data", Folder["sound"], "--out", Folder["scores.csv"]);
        Support.Cli.Succeed("reconstruct", Folder["run"], "--data", Folder["sound/1.wav"], "--split", "all", "--out", Folder["y.npy"]);

        Assert.That(File.ReadLines(Folder["scores.csv"]).Skip(1).Select(line => line.Split(',')[0]).Take(11).Last(), Is.EqualTo("1.wav-0"));
        Assert.That(Npy.Read(File.ReadAllBytes(Folder["y.npy"]), "y.npy").Shape, Is.EqualTo((long[])[10, 1, 64]));
        using var scorer = VaeScorer.Load(Folder["run/export/scorer.onnx"]);
        Assert.That((scorer.Metadata.Axes, scorer.Metadata.IsUnitRange, scorer.Metadata.Scaling!.IsStandard), Is.EqualTo(((int[])[1, 64], false, true)));
        Assert.That(Support.Cli.Run("train", "--data", "sprites", "--window", "64", "--out", Folder["other"]).Error, Is.EqualTo("onnxvae: --window is for .wav files, but 'sprites' has none: leave it out.\n"));
    }

    private void WriteWav(string name, int channels, double[] samples, int bits, int format = 1)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Folder[name])!);
        using var writer = new BinaryWriter(File.Create(Folder[name]));
        int frame = channels * bits / 8, length = samples.Length * bits / 8;
        writer.Write(Encoding.ASCII.GetBytes("RIFF"));
        writer.Write(36 + length);
        writer.Write(Encoding.ASCII.GetBytes("WAVEfmt "));
        writer.Write(16);
        writer.Write((short)format);
        writer.Write((short)channels);
        writer.Write(8000);
        writer.Write(8000 * frame);
        writer.Write((short)frame);
        writer.Write((short)bits);
        writer.Write(Encoding.ASCII.GetBytes("data"));
        writer.Write(length);
        foreach (double sample in samples)
        {
            writer.Write(format == 3 ? BitConverter.GetBytes((float)sample)
                : bits == 8 ? [(byte)Math.Clamp(128 + (128 * sample), 0, 255)]
                : BitConverter.GetBytes((int)Math.Clamp(sample * (1L << (bits - 1)), int.MinValue, int.MaxValue))[..(bits / 8)]);
        }
    }
}
