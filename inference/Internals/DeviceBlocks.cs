using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// Runs a model on a device in blocks of a fixed number of rows, with inputs and outputs that stay there: kernels of devices round differently for other batch
/// sizes, so only this gives a row the same bytes in every batch. A row is copied there once, and its results back once.
/// </summary>
internal sealed class DeviceBlocks : IDisposable
{
    private const int Rows = 16;

    private readonly OnnxSession session;
    private readonly DeviceMemory memory;
    private readonly Dictionary<string, Block> blocks = [];

    private DeviceBlocks(OnnxSession session, DeviceMemory memory) => (this.session, this.memory) = (session, memory);

    /// <summary>Blocks for a model; null where its device takes inputs from the host's memory.</summary>
    public static DeviceBlocks? For(OnnxSession session, OnnxDevice device)
    {
        if (device.IsProcessor)
        {
            return null;
        }

        var memory = new DeviceMemory(device);
        if (!memory.IsHost)
        {
            return new DeviceBlocks(session, memory);
        }

        memory.Dispose();
        return null;
    }

    /// <summary>Runs the model over rows of input.</summary>
    /// <param name="options">Options of the run.</param>
    /// <param name="inputs">The inputs, and the shapes of a row of each.</param>
    /// <param name="outputs">The outputs.</param>
    /// <param name="outputShape">The shape of a row of each.</param>
    /// <param name="rows">N.</param>
    /// <param name="first">The first input's values.</param>
    /// <param name="second">The second one's; empty if there is none.</param>
    /// <param name="firstResult">Receives the first output.</param>
    /// <param name="secondResult">Receives the second one; empty if there is none.</param>
    public void Run(
        RunOptions options, IReadOnlyList<(string Name, long[] RowShape)> inputs, string[] outputs, long[] outputShape, int rows,
        ReadOnlySpan<float> first, ReadOnlySpan<float> second, Span<float> firstResult, Span<float> secondResult)
    {
        for (int row = 0; row < rows; row += Rows)
        {
            using var turn = DeviceTurn.Take(memory.Device); // others may run in between
            var block = BlockOf(inputs, outputs, outputShape);
            int count = Math.Min(Rows, rows - row);
            block.Fill(0, PartOf(first, row, count, rows), memory);
            block.Fill(1, PartOf(second, row, count, rows), memory);
            session.Run(options, block.Binding);
            block.Read(0, PartOf(firstResult, row, count, rows), memory);
            block.Read(1, PartOf(secondResult, row, count, rows), memory);
        }
    }

    public void Dispose()
    {
        memory.Release(blocks.Values);
        memory.Dispose();
    }

    private static ReadOnlySpan<float> PartOf(ReadOnlySpan<float> values, int row, int count, int rows) => values.Slice(row * (values.Length / rows), count * (values.Length / rows));

    private static Span<float> PartOf(Span<float> values, int row, int count, int rows) => values.Slice(row * (values.Length / rows), count * (values.Length / rows));

    private Block BlockOf(IReadOnlyList<(string Name, long[] RowShape)> inputs, string[] outputs, long[] outputShape)
    {
        string key = string.Join(' ', outputs);
        if (!blocks.TryGetValue(key, out var block))
        {
            OrtValue[] taken = [.. inputs.Select(input => Allocate(input.RowShape))], given = [.. outputs.Select(_ => Allocate(outputShape))];
            blocks[key] = block = new Block(session.CreateBinding(), taken, given);
            foreach (var ((name, _), value) in inputs.Zip(block.Inputs))
            {
                block.Binding.BindInput(name, value);
            }

            foreach (var (name, value) in outputs.Zip(block.Outputs))
            {
                block.Binding.BindOutput(name, value);
            }
        }

        return block;

        OrtValue Allocate(long[] rowShape) => memory.Allocate(TensorElementType.Float, [Rows, .. rowShape]);
    }

    /// <summary>Buffers on the device, bound once.</summary>
    private sealed class Block(OrtIoBinding binding, OrtValue[] inputs, OrtValue[] outputs) : IDisposable
    {
        private readonly float[][] inputsOnHost = [.. inputs.Select(Room)], outputsOnHost = [.. outputs.Select(Room)]; // of blocks that are not full

        public OrtIoBinding Binding => binding;

        public OrtValue[] Inputs => inputs;

        public OrtValue[] Outputs => outputs;

        public void Fill(int input, ReadOnlySpan<float> values, DeviceMemory memory)
        {
            if (values.IsEmpty)
            {
                return;
            }

            float[] room = inputsOnHost[input];
            if (values.Length < room.Length)
            {
                values.CopyTo(room);
                values = room;
            }

            memory.Upload(MemoryMarshal.AsBytes(values), inputs[input]);
        }

        public void Read(int output, Span<float> values, DeviceMemory memory)
        {
            if (values.IsEmpty)
            {
                return;
            }

            float[] room = outputsOnHost[output];
            memory.Download(outputs[output], MemoryMarshal.AsBytes(values.Length < room.Length ? room : values));
            if (values.Length < room.Length)
            {
                room.AsSpan(0, values.Length).CopyTo(values);
            }
        }

        public void Dispose()
        {
            binding.Dispose();
            Array.ForEach([.. inputs, .. outputs], value => value.Dispose());
        }

        private static float[] Room(OrtValue value) => new float[value.GetTensorTypeAndShape().ElementCount];
    }
}
