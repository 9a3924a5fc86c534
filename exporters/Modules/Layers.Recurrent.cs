using OnnxVae.Exporters.Graph;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    // Unrolled: one copy of the cell per step of the sequence.
    private static KeyValuePair<Type, LayerRule>[] Recurrent =>
    [
        Row<GRU>(1, 2, (lowering, layer, inputs) => Recur(lowering, layer, GruCell, NativeSettings.Of(layer, lowering), inputs)),
        Row<LSTM>(1, 3, (lowering, layer, inputs) => Recur(lowering, layer, LstmCell, NativeSettings.Of(layer, lowering), inputs)),
        Row<GRUCell>(1, 2, (lowering, layer, inputs) => Step(lowering, layer, GruCell, inputs)),
        Row<LSTMCell>(1, 3, (lowering, layer, inputs) => Step(lowering, layer, LstmCell, inputs)),
    ];

    /// <summary>One step, from the input's contribution to the gates and a function that gives the hidden state's contribution.</summary>
    /// <returns>The next states, the hidden one first.</returns>
    private delegate IReadOnlyList<Value> RecurrentCell(Value fromInput, Func<Value?, Value> fromHidden, IReadOnlyList<Value> states);

    // The reset gate applies after the candidate's matrix product, as in libtorch.
    private static IReadOnlyList<Value> GruCell(Value fromInput, Func<Value?, Value> fromHidden, IReadOnlyList<Value> states)
    {
        var h = states.ElementAtOrDefault(0);
        var (x, u) = (Split(fromInput, -1, 3), Split(fromHidden(h), -1, 3));
        var (reset, update) = (Sigmoid(x[0] + u[0]), Sigmoid(x[1] + u[1]));
        return [RecurrentCells.Gru(update, Tanh(x[2] + (reset * u[2])), h)];
    }

    private static IReadOnlyList<Value> LstmCell(Value fromInput, Func<Value?, Value> fromHidden, IReadOnlyList<Value> states)
    {
        var gates = Split(fromInput + fromHidden(states.ElementAtOrDefault(0)), -1, 4);
        var (hidden, memory) = RecurrentCells.Lstm(gates[0], gates[1], gates[2], gates[3], states.ElementAtOrDefault(1));
        return [hidden, memory];
    }

    private static IReadOnlyList<Value> Step(ModuleLowering lowering, Module layer, RecurrentCell cell, IReadOnlyList<Value> inputs)
    {
        var (fromInput, fromHidden) = Gates(lowering, layer, "");
        return cell(fromInput(inputs[0]), fromHidden, [.. inputs.Skip(1)]);
    }

    // x: [T, N, I], or [N, T, I] if the batch comes first; states: [layers, N, H]. Without states, the initial ones are zero.
    private static IReadOnlyList<Value> Recur(
        ModuleLowering lowering, Module layer, RecurrentCell cell, NativeSettings settings, IReadOnlyList<Value> inputs)
    {
        int time = settings.BatchFirst ? 1 : 0;
        var (sequence, last) = (inputs[0], new List<IReadOnlyList<Value>>());
        for (int depth = 0; lowering.FindParameter(layer, $"weight_ih_l{depth}") is not null; depth++)
        {
            var directions = new List<Value>();
            foreach (string suffix in (string[])["", "_reverse"])
            {
                if (lowering.FindParameter(layer, $"weight_ih_l{depth}{suffix}") is not null)
                {
                    int index = last.Count;
                    Value[] first = [.. inputs.Skip(1).Select(states => Reshape(Slice(states, 0, index, index + 1), [.. states.Shape.Skip(1)]))];
                    var (outputs, states) = Run(lowering, layer, cell, $"_l{depth}{suffix}", sequence, time, first);
                    directions.Add(outputs);
                    last.Add(states);
                }
            }

            sequence = Concat(-1, [.. directions]);
        }

        return [sequence, .. Enumerable.Range(0, last[0].Count).Select(i =>
            Concat(0, [.. last.Select(states => Reshape(states[i], [1, .. states[i].Shape]))]))];
    }

    private static (Value Outputs, IReadOnlyList<Value> States) Run(
        ModuleLowering lowering, Module layer, RecurrentCell cell, string suffix, Value sequence, int time, IReadOnlyList<Value> first)
    {
        var (fromInput, fromHidden) = Gates(lowering, layer, suffix);
        var projected = fromInput(sequence);
        var steps = Enumerable.Range(0, (int)sequence.Shape[time]);
        var outputs = new SortedDictionary<int, Value>();
        var states = first;
        foreach (int t in suffix.EndsWith("_reverse", StringComparison.Ordinal) ? steps.Reverse() : steps)
        {
            var x = Slice(projected, time, t, t + 1);
            states = cell(Reshape(x, [.. x.Shape.Where((_, i) => i != time)]), fromHidden, states);
            outputs[t] = Reshape(states[0], [.. states[0].Shape.Take(time), 1, .. states[0].Shape.Skip(time)]);
        }

        return (Concat(time, [.. outputs.Values]), states);
    }

    private static (Func<Value, Value> FromInput, Func<Value?, Value> FromHidden) Gates(ModuleLowering lowering, Module layer, string suffix)
    {
        var (weight, recurrent) = (lowering.Parameter(layer, $"weight_ih{suffix}"), lowering.Parameter(layer, $"weight_hh{suffix}"));
        var (bias, recurrentBias) = (lowering.FindParameter(layer, $"bias_ih{suffix}"), lowering.FindParameter(layer, $"bias_hh{suffix}"));
        return (
            x => Affine(x, weight, bias),
            h => h is not null ? Affine(h, recurrent, recurrentBias) : recurrentBias ?? ConstantOfShape([recurrent.Shape[0]], 0f));
    }
}
