using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Graph;

/// <summary>One step of recurrent layers, from the pre-activations.</summary>
internal static class RecurrentCells
{
    /// <summary>Long short-term memory: the next hidden state and cell state (memory). Without a memory, the old one is zero.</summary>
    /// <remarks>Hochreiter and Schmidhuber 1997, with forget gates: Gers et al. 2000.</remarks>
    public static (Value Hidden, Value Memory) Lstm(Value input, Value forget, Value candidate, Value output, Value? memory)
    {
        var (inputGate, forgetGate, content, outputGate) = (Sigmoid(input), Sigmoid(forget), Tanh(candidate), Sigmoid(output));
        var written = inputGate * content;
        var next = memory is null ? written : (forgetGate * memory) + written;
        return (outputGate * Tanh(next), next);
    }

    /// <summary>A gated recurrent unit: the next hidden state, from the update gate and the candidate. Without a hidden state, the old one is zero.</summary>
    /// <remarks>Cho et al. 2014, arXiv 1406.1078.</remarks>
    public static Value Gru(Value update, Value candidate, Value? hidden) =>
        hidden is null ? (1f - update) * candidate : candidate + (update * (hidden - candidate));
}
