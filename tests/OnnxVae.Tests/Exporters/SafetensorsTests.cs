using OnnxVae.Format;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Exporters;

internal sealed class SafetensorsTests
{
    [Test]
    public void Load_OfSavedFile_GivesTheSameBack()
    {
        using var folder = new TemporaryFolder();
        string file = folder["a.safetensors"];
        var tensors = new Dictionary<string, Tensor>
        {
            ["weights"] = Tensor.From<float>([2, 2], 1, -2, float.Epsilon, 4e30f),
            ["scalar"] = Tensor.From<long>(Shape.Scalar, long.MaxValue),
            ["bytes \"ä\""] = Tensor.From<byte>([3], 0, 128, 255),
        };

        Safetensors.Save(file, tensors, new Dictionary<string, string> { ["step"] = "7" });
        var (loaded, metadata) = Safetensors.Load(file);

        Assert.That(metadata["step"], Is.EqualTo("7"));
        foreach (var (name, tensor) in tensors)
        {
            Assert.That(loaded[name].Shape, Is.EqualTo(tensor.Shape), name);
            Assert.That(loaded[name].Data.ToArray(), Is.EqualTo(tensor.Data.ToArray()), name);
        }
    }

    [TestCase("""{"w":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}""", ": Tensor 'w' has the element type F8_E4M3; F32, U8, I64, BOOL, F16, BF16, F64 are read.")]
    [TestCase("""{"w":{"shape":[1],"data_offsets":[0,4]}}""", " is damaged or is not a safetensors file.")]
    [TestCase("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}}""", " is damaged or is not a safetensors file.")]
    public void Load_OfUnusableFile_SaysWhy(string header, string problem)
    {
        using var folder = new TemporaryFolder();
        string file = folder["a.safetensors"];
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((long)header.Length), .. System.Text.Encoding.ASCII.GetBytes(header), 0, 0, 0, 0]);

        Assert.That(() => Safetensors.Load(file), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"'{file}'{problem}"));
    }

    [Test]
    public void Save_OverExistingFile_ThatFails_LeavesItAlone()
    {
        using var folder = new TemporaryFolder();
        string file = folder["a.txt"];
        AtomicFile.WriteText(file, "before");

        Assert.That(() => AtomicFile.Write(file, _ => throw new IOException("disk full")), Throws.TypeOf<IOException>());

        Assert.That(File.ReadAllText(file), Is.EqualTo("before"));
        Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(1));
    }
}
