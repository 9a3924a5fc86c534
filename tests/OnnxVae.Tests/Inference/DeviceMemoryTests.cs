using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Tests.Inference;

internal sealed class DeviceMemoryTests
{
    // The processor takes the path of all devices, but for the copies, which it does not need.
    [Test]
    public void Copies_KeepEveryBit_OfEveryType()
    {
        using var memory = new DeviceMemory(OnnxDevice.Cpu);
        Check<float>(TensorElementType.Float, [1.5f, -0f, float.Epsilon, float.NaN]);
        Check<long>(TensorElementType.Int64, [long.MinValue, -1, 0, long.MaxValue]);
        Check<byte>(TensorElementType.UInt8, [0, 1, 254, 255]);
        Assert.That(memory.IsHost, Is.True);
        Assert.That(memory.BytesCopied, Is.Zero);

        void Check<T>(TensorElementType type, T[] values) where T : unmanaged
        {
            using var buffer = memory.Allocate(type, [2, 2]);
            var back = new T[values.Length];
            memory.Upload(MemoryMarshal.AsBytes(values.AsSpan()), buffer);
            memory.Download(buffer, MemoryMarshal.AsBytes(back.AsSpan()));
            Assert.That(MemoryMarshal.AsBytes(back.AsSpan()).ToArray(), Is.EqualTo(MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
        }
    }

    [Test]
    public void StatesThatDoNotFit_AreRefusedWithTheirSize()
    {
        var states = new StateSpec("weight", ElementType.Float32, [1L << 24, 1L << 21], StateRole.Parameter);
        var program = new CompiledProgram(new ProgramSpec("step.onnx", [], [], ["weight"], []), null!, null, [states], new Dictionary<string, Format.Tensor>());

        Assert.That(() => StateBuffers.Initial(program, OnnxDevice.Cpu), Throws.TypeOf<InsufficientMemoryException>().With.Message.EqualTo(
            "The memory of cpu has no room for the model's states: parameters, moments and averages, those that change twice, take 281,474,976.7 MB. Give smaller sizes."));
    }

    [Test]
    public void Devices_AreEqual_ByTheirOptions_AndReplayWhereTheyCan()
    {
        OnnxDevice cuda = new("cuda"), without = With("0"), with = With("1");
        Assert.That(OnnxDevice.Cpu.Replaying(), Is.EqualTo(OnnxDevice.Cpu));
        Assert.That(cuda.Replaying(), Is.Not.EqualTo(cuda));
        Assert.That(with.Replaying(), Is.Not.EqualTo(with));
        Assert.That(without.Replaying(), Is.EqualTo(without).And.EqualTo(With("0")).And.Not.EqualTo(cuda));
        Assert.That((cuda with { AllowsFallback = true }).Replaying(), Is.EqualTo(cuda with { AllowsFallback = true }));
        Assert.That(cuda.RoundsToTf32, Is.True);
        Assert.That((cuda with { IsPrecise = true }).RoundsToTf32, Is.False);
        Assert.That(OnnxDevice.Cpu.RoundsToTf32, Is.False);

        OnnxDevice With(string graphs) => cuda with { Options = cuda.Options.SetItem("enable_cuda_graph", graphs) };
    }

    [Test]
    public void Copies_OfAnotherSize_AreRefused()
    {
        using var memory = new DeviceMemory(OnnxDevice.Cpu);
        using var buffer = memory.Allocate(TensorElementType.Float, [2]);
        Assert.That(() => memory.Upload(new byte[12], buffer), Throws.ArgumentException.With.Message.EqualTo("The tensor takes 8 bytes, not 12."));
        Assert.That(() => memory.Download(buffer, new byte[4]), Throws.ArgumentException.With.Message.EqualTo("The tensor takes 8 bytes, not 4."));
    }
}
