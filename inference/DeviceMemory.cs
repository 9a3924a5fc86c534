using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// The memory of a device: tensors that graphs read and write without a copy to the host, and copies between host and device. The processor's is the
/// host's own. Use from one thread at a time.
/// </summary>
public sealed partial class DeviceMemory : IDisposable
{
    private readonly Dictionary<string, OnnxSession> copies = [];
    private readonly RunOptions runOptions = new();
    private readonly OrtMemoryInfo? memory;
    private readonly OrtAllocator? allocator;

    /// <summary>Starts a device.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">The loaded ONNX Runtime does not have the device, or its provider does not accept the options.</exception>
    /// <exception cref="InvalidOperationException">The provider is there, but cannot start: a driver or a library is missing.</exception>
    public DeviceMemory(OnnxDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Device = device;
        var session = SessionFor([TensorElementType.Float]);
        try
        {
            memory = ExecutionProviders.MemoryOf(device);
            allocator = memory is null ? null : session.CreateAllocator(memory);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The device.</summary>
    public OnnxDevice Device { get; }

    /// <summary>Whether it is the host's memory too: buffers can be read and written directly. So is the memory of providers that take their inputs from the host.</summary>
    public bool IsHost => Device.IsProcessor || allocator is null;

    /// <summary>Bytes that <see cref="Copy"/>, <see cref="Upload"/> and <see cref="Download"/> have moved so far; none where the memory is the host's.</summary>
    public long BytesCopied { get; private set; }

    /// <summary>A buffer on the device, with any content.</summary>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The shape.</param>
    /// <exception cref="InsufficientMemoryException">The device has no room for it.</exception>
    public OrtValue Allocate(TensorElementType type, long[] shape)
    {
        using var turn = DeviceTurn.Take(Device);
        try
        {
            return OrtValue.CreateAllocatedTensorValue(allocator ?? OrtAllocator.DefaultInstance, type, shape);
        }
        catch (OnnxRuntimeException e)
        {
            throw Exhausted(Device, $"hold a tensor of {string.Join(" x ", shape)}", e);
        }
    }

    /// <summary>A buffer of the host, cleared.</summary>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The shape.</param>
    public static OrtValue AllocateOnHost(TensorElementType type, long[] shape)
    {
        var buffer = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, type, shape);
        buffer.GetTensorMutableRawData().Clear();
        return buffer;
    }

    /// <summary>Copies the elements of a tensor to the device.</summary>
    /// <param name="from">The elements, little-endian, row-major.</param>
    /// <param name="to">A buffer.</param>
    /// <exception cref="ArgumentException">The number of bytes is not that of the tensor.</exception>
    public unsafe void Upload(ReadOnlySpan<byte> from, OrtValue to)
    {
        ArgumentNullException.ThrowIfNull(to);
        fixed (byte* data = from)
        {
            using var host = Wrap(data, from.Length, to);
            Copy([host], [to]);
        }
    }

    /// <summary>Copies the elements of a tensor to the host.</summary>
    /// <param name="from">A buffer.</param>
    /// <param name="to">Receives the elements.</param>
    /// <exception cref="ArgumentException">The number of bytes is not that of the tensor.</exception>
    public unsafe void Download(OrtValue from, Span<byte> to)
    {
        ArgumentNullException.ThrowIfNull(from);
        fixed (byte* data = to)
        {
            using var host = Wrap(data, to.Length, from);
            Copy([from], [host]);
        }
    }

    /// <summary>Copies tensors from host to device, or back, or on the device.</summary>
    /// <param name="from">The sources.</param>
    /// <param name="to">The targets, of the same types and shapes.</param>
    public void Copy(IReadOnlyList<OrtValue> from, IReadOnlyList<OrtValue> to)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        if (from.Count == 0)
        {
            return;
        }

        var types = from.Select(value => value.GetTensorTypeAndShape()).ToArray();
        string[] inputs = [.. Enumerable.Range(0, from.Count).Select(CopyGraph.Input)], outputs = [.. Enumerable.Range(0, from.Count).Select(CopyGraph.Output)];
        SessionFor([.. types.Select(type => type.ElementDataType)]).Run(runOptions, inputs, from, outputs, to);
        BytesCopied += IsHost ? 0 : types.Sum(type => type.ElementCount * SizeOf(type.ElementDataType));
    }

    /// <summary>Waits until the device has done all that it was given: a run without outputs on the host may return before it is done.</summary>
    public void Synchronize()
    {
        if (IsHost)
        {
            return;
        }

        long copied = BytesCopied;
        var buffer = Allocate(TensorElementType.Float, [1]);
        Span<float> number = [0];
        Upload(MemoryMarshal.AsBytes(number), buffer);
        Download(buffer, MemoryMarshal.AsBytes(number));
        Release(buffer);
        BytesCopied = copied;
    }

    /// <summary>Disposes buffers and bindings while nothing runs on the device.</summary>
    /// <param name="resources">What is no longer needed.</param>
    public void Release(params IEnumerable<IDisposable> resources)
    {
        ArgumentNullException.ThrowIfNull(resources);
        using var turn = DeviceTurn.Take(Device);
        foreach (var resource in resources)
        {
            resource.Dispose();
        }
    }

    /// <summary>Releases the allocator: all buffers must have been disposed.</summary>
    public void Dispose()
    {
        using var turn = DeviceTurn.Take(Device);
        allocator?.Dispose();
        memory?.Dispose();
        foreach (var session in copies.Values)
        {
            session.Dispose();
        }

        runOptions.Dispose();
    }

    /// <summary>Whether the runtime failed because memory ran out.</summary>
    internal static bool IsExhausted(OnnxRuntimeException e) => OutOfMemory().IsMatch(e.Message);

    /// <summary>The refusal of a device whose memory ran out.</summary>
    /// <param name="device">The device.</param>
    /// <param name="purpose">What it has no room to do.</param>
    /// <param name="cause">What the runtime says.</param>
    internal static InsufficientMemoryException Exhausted(OnnxDevice device, string purpose, OnnxRuntimeException cause)
    {
        string size = RequestedBytes().Match(cause.Message) is { Success: true } match && long.TryParse(match.Groups["bytes"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
            ? string.Create(CultureInfo.InvariantCulture, $": a block of {bytes / 1e6:N1} MB could not be allocated") : "";
        return new InsufficientMemoryException($"The memory of {device} has no room to {purpose}{size}. Give smaller sizes, or take a smaller batch.", cause);
    }

    private static unsafe OrtValue Wrap(byte* data, int length, OrtValue like)
    {
        var type = like.GetTensorTypeAndShape();
        if (type.ElementCount * SizeOf(type.ElementDataType) is var expected && expected != length)
        {
            throw new ArgumentException($"The tensor takes {expected} bytes, not {length}.");
        }

        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type.ElementDataType, type.Shape, (IntPtr)data, length);
    }

    private static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Double or TensorElementType.Int64 or TensorElementType.UInt64 => 8,
        TensorElementType.Float or TensorElementType.Int32 or TensorElementType.UInt32 => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Int16 or TensorElementType.UInt16 => 2,
        _ => 1,
    };

    private OnnxSession SessionFor(IReadOnlyList<TensorElementType> types)
    {
        string key = string.Join(' ', types);
        // Not every device has an Identity of every type; what the runtime copies at the edges of the graph is the same.
        if (!copies.TryGetValue(key, out var session))
        {
            copies[key] = session = OnnxSession.Load(CopyGraph.Of(types), Device with { AllowsFallback = true }, threads: 1);
        }

        return session;
    }

    [GeneratedRegex("failed to allocate memory|out of memory|alloc_failed|bad_?alloc|bad allocation", RegexOptions.IgnoreCase)]
    private static partial Regex OutOfMemory();

    [GeneratedRegex(@"(requested (buffer of size|bytes of)|size:?)\s+(?<bytes>\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex RequestedBytes();
}
