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
    public void Processor_HasNothingToReplay_AndItsDevicesAreEqual()
    {
        Assert.That(OnnxDevice.Cpu.Replaying(), Is.EqualTo(OnnxDevice.Cpu));
        Assert.That(new OnnxDevice("cuda").Replaying().Options, Does.ContainKey("enable_cuda_graph").WithValue("1"));
        var without = new OnnxDevice("cuda") { Options = new OnnxDevice("cuda").Options.Add("enable_cuda_graph", "0") };
        Assert.That(without.Replaying(), Is.EqualTo(without));
        Assert.That((new OnnxDevice("cuda") with { AllowsFallback = true }).Replaying().Options, Is.Empty);
    }
}
