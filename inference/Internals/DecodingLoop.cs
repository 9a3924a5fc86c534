using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference.Internals;

/// <summary>Runs a sampling graph repeatedly: the output <c>NAME.next</c> of one run is the input <c>NAME</c> of the next, zeros at first.</summary>
internal sealed class DecodingLoop : IDisposable
{
    private const string Next = ".next";

    private readonly OnnxSession session;
    private readonly RunOptions runOptions = new();
    private readonly string[] inputNames;
    private readonly string[] outputNames;
    private readonly OrtValue[] inputs;
    private readonly OrtValue[] outputs;
    private readonly (int Input, int Output)[] carried;

    /// <summary>Allocates inputs and outputs, all zeros.</summary>
    /// <param name="session">The graph.</param>
    /// <param name="rows">N, the number of images per run.</param>
    public DecodingLoop(OnnxSession session, int rows)
    {
        this.session = session;
        (inputNames, inputs) = Allocate(session.InputNames, session.Inputs);
        (outputNames, outputs) = Allocate(session.OutputNames, session.Outputs);
        carried = [.. outputNames.Where(output => output.EndsWith(Next, StringComparison.Ordinal))
            .Select(output => (Array.IndexOf(inputNames, output[..^Next.Length]), Array.IndexOf(outputNames, output)))];

        (string[], OrtValue[]) Allocate(IReadOnlyList<string> names, IReadOnlyDictionary<string, NodeMetadata> metadata) => ([.. names], [.. names.Select(name =>
        {
            var value = OrtValue.CreateAllocatedTensorValue(
                OrtAllocator.DefaultInstance, metadata[name].ElementDataType, [.. metadata[name].Dimensions.Select(size => size < 0 ? rows : (long)size)]);
            value.GetTensorMutableRawData().Clear();
            return value;
        })]);
    }

    /// <summary>An Int64 input, to be filled before a run.</summary>
    public Span<long> Integers(string name) => MemoryMarshal.Cast<byte, long>(inputs[Array.IndexOf(inputNames, name)].GetTensorMutableRawData());

    /// <summary>A Float32 input, to be filled before a run.</summary>
    public Span<float> Numbers(string name) => MemoryMarshal.Cast<byte, float>(inputs[Array.IndexOf(inputNames, name)].GetTensorMutableRawData());

    /// <summary>A result of the last run.</summary>
    public ReadOnlySpan<float> Result(string name) => outputs[Array.IndexOf(outputNames, name)].GetTensorDataAsSpan<float>();

    /// <summary>Runs the graph.</summary>
    public void Step()
    {
        session.Run(runOptions, inputNames, inputs, outputNames, outputs);
        foreach (var (input, output) in carried)
        {
            (inputs[input], outputs[output]) = (outputs[output], inputs[input]);
        }
    }

    /// <summary>Starts over with zeros.</summary>
    public void Reset()
    {
        foreach (var (input, _) in carried)
        {
            inputs[input].GetTensorMutableRawData().Clear();
        }
    }

    public void Dispose()
    {
        Array.ForEach(inputs, value => value.Dispose());
        Array.ForEach(outputs, value => value.Dispose());
        runOptions.Dispose();
    }
}
