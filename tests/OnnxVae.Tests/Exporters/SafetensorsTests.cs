using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
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

    [Test]
    public void Save_OverExistingFile_ThatFails_LeavesItAlone()
    {
        using var folder = new TemporaryFolder();
        string file = folder["a.txt"];
        OnnxVae.Exporters.AtomicFile.WriteText(file, "before");

        Assert.That(() => OnnxVae.Exporters.AtomicFile.Write(file, _ => throw new IOException("disk full")), Throws.TypeOf<IOException>());

        Assert.That(File.ReadAllText(file), Is.EqualTo("before"));
        Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(1));
    }
}
