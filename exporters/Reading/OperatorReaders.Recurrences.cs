using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    // Above this many steps, a graph with a copy of the cell for each would be too large.
    private const long MostSteps = 10_000;

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Recurrences =>
    [
        new("LSTM", node => ReadRecurrence(node, 4, ["Sigmoid", "Tanh", "Tanh"], LstmStep)),
        new("GRU", node => ReadRecurrence(node, 3, ["Sigmoid", "Tanh"], node.Int("linear_before_reset", 0) != 0 ? GruStepAsInLibtorch : GruStep)),
        new("RNN", node => ReadRecurrence(node, 1, node.Texts("activations") is { Length: > 0 } given && given.All(name => name == "Relu") ? ["Relu"] : ["Tanh"], RnnStep)),
    ];

    /// <summary>One direction's weights for one step.</summary>
    /// <param name="FromInput">The input's contribution to the gates, [N, gates * H], with all biases that are added to it.</param>
    /// <param name="Recurrent">The hidden state's weight, [gates * H, H].</param>
    /// <param name="RecurrentBias">Its bias, [gates * H]; null if there is none.</param>
    /// <param name="Activation">The only activation of a plain recurrence.</param>
    private sealed record RecurrentStep(Value FromInput, Value Recurrent, Value? RecurrentBias, string Activation)
    {
        public long Hidden => Recurrent.Shape[1];

        // Rows of the recurrent contribution; without a hidden state, the bias alone.
        public Value? FromHidden(Value? hidden, int first, int count)
        {
            var bias = RecurrentBias is null ? null : Part(RecurrentBias, 0, first, count);
            return hidden is null ? bias : Gemm(hidden, Part(Recurrent, 0, first, count), bias, transB: true);
        }

        public Value Input(int first, int count) => Part(FromInput, 1, first, count);

        private Value Part(Value x, int axis, int first, int count) => Slice(x, axis, first * Hidden, (first + count) * Hidden);
    }

    // Unrolled: one copy of the cell per step of the sequence. States: hidden and, for LSTM, cell state (memory).
    private static IReadOnlyList<Value>? ReadRecurrence(OnnxNode node, int gates, string[] activations, Func<RecurrentStep, Value?[], Value[]> step)
    {
        bool isKnown = node.IsRealBut(4) && !node.Flag("layout") && !node.HasAttribute("clip") && !node.Has(7) && node.Int("input_forget", 0) == 0
            && (!node.Has(4) || node.Known(4)?.Longs is { } lengths && lengths.All(length => length == node.ShapeOf(0)[0]));
        string direction = node.OneOf("direction", "forward", "reverse", "bidirectional");
        int directions = direction == "bidirectional" ? 2 : 1;
        string[] stated = node.Texts("activations");
        var x = node[0];
        long length = x.Shape[0], hidden = node.ShapeOf(2)[^1];
        if (x.Shape.Rank != 3 || node.ShapeOf(1) != [directions, gates * hidden, x.Shape[2]] || node.ShapeOf(2) != [directions, gates * hidden, hidden]
            || (node.Has(3) && node.ShapeOf(3) != [directions, 2 * gates * hidden]) || length < 1 || node.Int("hidden_size", 0) != hidden)
        {
            throw node.Error($"its weights {node.ShapeOf(1)} and {node.ShapeOf(2)} do not fit its input {x.Shape} in {directions} direction(s) of {gates} gates and a hidden_size of {node.Int("hidden_size", 0)}");
        }

        if (!isKnown || length > MostSteps || (stated.Length > 0 && !stated.SequenceEqual(Enumerable.Repeat(activations, directions).SelectMany(names => names))))
        {
            bool batchFirst = node.Flag("layout");
            Shape final = batchFirst ? [x.Shape[0], directions, hidden] : [directions, x.Shape[1], hidden];
            Shape all = batchFirst ? [x.Shape[0], x.Shape[1], directions, hidden] : [length, directions, x.Shape[1], hidden];
            return node.Keep(((Shape[])[all, final, final]).Take(node.OutputCount).Select(shape => (x.Type, shape)));
        }

        var outputs = new Value[directions][];
        var last = new Value[directions][];
        for (int d = 0; d < directions; d++)
        {
            Value Of(Value stacked) => Reshape(Slice(stacked, 0, d, d + 1), [.. stacked.Shape.Skip(1)]);
            var (bias, recurrentBias) = node.Find(3) is { } both ? (Slice(Of(both), 0, 0, gates * hidden), Slice(Of(both), 0, gates * hidden, 2 * gates * hidden)) : ((Value?)null, (Value?)null);
            var projected = MatMul(x, Transpose(Of(node[1]), 1, 0));
            projected = bias is null ? projected : projected + bias;
            Value?[] states = [InitialState(node, 5) is { } h ? Of(h) : null, gates == 4 && InitialState(node, 6) is { } c ? Of(c) : null];
            outputs[d] = new Value[length];
            bool isReverse = d == 1 || direction == "reverse";
            for (long t = 0; t < length; t++)
            {
                long at = isReverse ? length - 1 - t : t;
                var now = Slice(projected, 0, at, at + 1);
                var next = step(new RecurrentStep(Reshape(now, [.. now.Shape.Skip(1)]), Of(node[2]), recurrentBias, activations[0]), states);
                (states, last[d], outputs[d][at]) = (next, next, next[0]);
            }
        }

        Value Stack(int axis, IEnumerable<Value> values) => Concat(axis, [.. values.Select(value => Reshape(value, [.. value.Shape.Take(axis), 1, .. value.Shape.Skip(axis)]))]);
        var sequence = Stack(0, Enumerable.Range(0, (int)length).Select(t => Stack(0, outputs.Select(direction => direction[t]))));
        return [sequence, .. Enumerable.Range(0, last[0].Length).Select(i => Stack(0, last.Select(states => states[i])))];
    }

    // Zeros, which exporters write, count as none.
    private static Value? InitialState(OnnxNode node, int input) => node.Has(input) && node.IsZero(input) ? null : node.Find(input);

    // ONNX's order of gates: input, output, forget, candidate.
    private static Value[] LstmStep(RecurrentStep step, Value?[] states)
    {
        var gates = Split(step.FromHidden(states[0], 0, 4) is { } fromHidden ? step.FromInput + fromHidden : step.FromInput, 1, 4);
        var (hidden, memory) = RecurrentCells.Lstm(gates[0], gates[2], gates[3], gates[1], states[1]);
        return [hidden, memory];
    }

    // ONNX's order of gates: update, reset, candidate. The reset gate is inside the candidate's product, or before it.
    private static Value[] GruStepAsInLibtorch(RecurrentStep step, Value?[] states) =>
        GruStep(step, states, reset => step.FromHidden(states[0], 2, 1) is { } fromHidden ? reset * fromHidden : null);

    private static Value[] GruStep(RecurrentStep step, Value?[] states) =>
        GruStep(step, states, reset => step.FromHidden(states[0] is { } hidden ? reset * hidden : null, 2, 1));

    private static Value[] GruStep(RecurrentStep step, Value?[] states, Func<Value, Value?> candidateOf)
    {
        var fromHidden = step.FromHidden(states[0], 0, 2);
        var gates = Split(fromHidden is null ? step.Input(0, 2) : step.Input(0, 2) + fromHidden, -1, 2);
        var (update, reset) = (Sigmoid(gates[0]), Sigmoid(gates[1]));
        var candidate = Tanh(candidateOf(reset) is { } more ? step.Input(2, 1) + more : step.Input(2, 1));
        return [RecurrentCells.Gru(update, candidate, states[0])];
    }

    private static Value[] RnnStep(RecurrentStep step, Value?[] states)
    {
        var sum = step.FromHidden(states[0], 0, 1) is { } fromHidden ? step.FromInput + fromHidden : step.FromInput;
        return [step.Activation == "Relu" ? Relu(sum) : Tanh(sum)];
    }
}
