using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;
using static TorchSharp.torch.nn;

namespace OnnxVae.Models.CodePriors;

/// <summary>
/// A prior for the bottom level: masked gated convolutions, conditioned on the codes of the level above and on the class. A vertical stack sees
/// all rows above, a horizontal one the codes to the left and the vertical one's features, so that there is no blind spot.
/// </summary>
/// <remarks>
/// van den Oord et al. 2016, arXiv 1606.05328, section 2 and figure 2. Instead of masked kernels, inputs are shifted: by a row for the
/// vertical stack, by a column for the horizontal one.
/// </remarks>
public sealed class GatedConvolutionPrior : CodePrior
{
    private readonly int width;
    private readonly TorchSharp.Modules.Embedding codeEmbedding;
    private readonly TorchSharp.Modules.Embedding classEmbedding;
    private readonly TorchSharp.Modules.Embedding knownEmbedding;
    private readonly TorchSharp.Modules.Sequential condition;
    private readonly TorchSharp.Modules.ModuleList<Layer> layers;
    private readonly TorchSharp.Modules.Sequential output;

    /// <summary>Builds the network.</summary>
    /// <param name="grid">The codes.</param>
    /// <param name="knownCodes">Codes of the level above, whose grid has half as many rows and columns.</param>
    /// <param name="classes">C.</param>
    /// <param name="width">Channels.</param>
    /// <param name="depth">Layers.</param>
    public GatedConvolutionPrior(CodeGridShape grid, int knownCodes, int classes, int width = 128, int depth = 6)
        : base(nameof(GatedConvolutionPrior), grid, classes)
    {
        this.width = width;
        (codeEmbedding, classEmbedding, knownEmbedding) = (Embedding(grid.Codes, width), Embedding(classes + 1, width), Embedding(knownCodes, width));
        condition = Sequential(
            Conv2d(width, width, 3, padding: 1), new Residual(Sequential(SiLU(), Conv2d(width, width, 3, padding: 1), SiLU(), Conv2d(width, width, 1))),
            Upsample(scale_factor: [2, 2]));
        layers = ModuleList([.. Enumerable.Range(0, depth).Select(_ => new Layer(width))]);
        output = Sequential(SiLU(), Conv2d(width, width, 1), SiLU(), Conv2d(width, grid.Codes, 1));
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Value Logits(ModuleLowering lowering, Value codes, Value label, Value? known)
    {
        long n = codes.Shape[0];
        var embedded = Transpose(lowering.Lower(codeEmbedding, codes), 0, 3, 1, 2); // [N, width, H, W]
        var vertical = Slice(Pad(embedded, 2, 1, 0), 2, 0, Grid.Height);
        var horizontal = Slice(Pad(embedded, 3, 1, 0), 3, 0, Grid.Width);
        var conditions = Condition(lowering, label, known!);
        foreach (var layer in layers)
        {
            var (next, verticalFeatures) = layer.Vertical(lowering, Pad(vertical, 2, 1, 0), conditions);
            (vertical, horizontal) = (next, layer.Horizontal(lowering, Pad(horizontal, 3, 1, 0), horizontal, verticalFeatures));
        }

        return Reshape(Transpose(lowering.Lower(output, horizontal), 0, 2, 3, 1), [n, Grid.Positions, Grid.Codes]);
    }

    /// <summary>
    /// Three graphs. <c>_condition</c>, once: <c>class</c>, Int64 [N], and <c>known</c>, the codes of the level above, Int64 [N, H / 2, W / 2], to
    /// <c>condition</c>, Float32 [N, width, H, W]. <c>_row</c>, once for each row: <c>above</c>, the codes of the row above, Int64 [N, W], <c>row</c>,
    /// Int64 [1], and <c>condition</c> to <c>verticalFeatures</c>, Float32 [N, depth 2 width, W]. The last one, once for each code: <c>previous</c>, the code to
    /// the left, Int64 [N], <c>column</c>, Int64 [1], and <c>verticalFeatures</c> to <c>logits</c>, Float32 [N, K].
    /// </summary>
    public override IEnumerable<SamplingGraph> SamplingGraphs(ModuleLowering lowering)
    {
        yield return ConditionGraph(lowering);
        yield return RowGraph(lowering);
        yield return CodeGraph(lowering);
    }

    private SamplingGraph ConditionGraph(ModuleLowering lowering)
    {
        var label = Value.Input("class", ElementType.Int64, [Shape.Batch]);
        var known = Value.Input("known", ElementType.Int64, [Shape.Batch, Grid.Height / 2, Grid.Width / 2]);
        return new SamplingGraph(ExportedKinds.ConditionSuffix, [label, known], [("condition", Condition(lowering, label, known))]);
    }

    private SamplingGraph RowGraph(ModuleLowering lowering)
    {
        var above = Value.Input("above", ElementType.Int64, [Shape.Batch, Grid.Width]);
        var conditions = Value.Input("condition", ElementType.Float32, [Shape.Batch, width, Grid.Height, Grid.Width]);
        var row = Value.Input("row", ElementType.Int64, [1]);
        var inputs = new List<Value> { above, conditions, row };
        var (carried, verticalFeatures) = (new List<(string Name, Value Value)>(), new List<Value>());
        var hasAbove = 1f - Cast(Equal(row, Value.Indices(0)), ElementType.Float32);
        var vertical = Reshape(Transpose(lowering.Lower(codeEmbedding, above), 0, 2, 1), [Shape.Batch, width, 1, Grid.Width]) * hasAbove;
        var conditionOfRow = Gather(conditions, 2, row); // [N, width, 1, W]
        foreach (var (i, layer) in layers.Index())
        {
            var before = Value.Input($"vertical.{i}", ElementType.Float32, [Shape.Batch, width, 1, Grid.Width]);
            inputs.Add(before);
            carried.Add(($"vertical.{i}.next", vertical));
            var (next, ofVertical) = layer.Vertical(lowering, Concat(2, before, vertical), conditionOfRow);
            verticalFeatures.Add(Reshape(ofVertical, [Shape.Batch, 2 * width, Grid.Width]));
            vertical = next;
        }

        return new SamplingGraph(ExportedKinds.RowSuffix, inputs, [("verticalFeatures", Concat(1, [.. verticalFeatures])), .. carried]);
    }

    private SamplingGraph CodeGraph(ModuleLowering lowering)
    {
        var previous = Value.Input("previous", ElementType.Int64, [Shape.Batch]);
        var column = Value.Input("column", ElementType.Int64, [1]);
        var verticalFeatures = Value.Input("verticalFeatures", ElementType.Float32, [Shape.Batch, layers.Count * 2 * width, Grid.Width]);
        var inputs = new List<Value> { previous, column, verticalFeatures };
        var carried = new List<(string Name, Value Value)>();
        var hasLeft = 1f - Cast(Equal(column, Value.Indices(0)), ElementType.Float32);
        var horizontal = Reshape(lowering.Lower(codeEmbedding, previous) * hasLeft, [Shape.Batch, width, 1, 1]);
        var ofColumn = Gather(verticalFeatures, 2, column); // [N, depth 2 width, 1]
        foreach (var (i, layer) in layers.Index())
        {
            var before = Value.Input($"horizontal.{i}", ElementType.Float32, [Shape.Batch, width, 1, 1]);
            inputs.Add(before);
            carried.Add(($"horizontal.{i}.next", horizontal));
            var ofVertical = Reshape(Slice(ofColumn, 1, i * 2 * width, (i + 1) * 2 * width), [Shape.Batch, 2 * width, 1, 1]);
            horizontal = layer.Horizontal(lowering, Concat(3, before * hasLeft, horizontal), horizontal, ofVertical);
        }

        return new SamplingGraph("", inputs, [("logits", Reshape(lowering.Lower(output, horizontal), [Shape.Batch, Grid.Codes])), .. carried]);
    }

    // The condition at every position: [N, width, H, W].
    private Value Condition(ModuleLowering lowering, Value label, Value known) =>
        lowering.Lower(condition, Transpose(lowering.Lower(knownEmbedding, known), 0, 3, 1, 2))
        + Reshape(lowering.Lower(classEmbedding, label), [label.Shape[0], width, 1, 1]);

    // Its convolutions have no padding: their inputs include the row or column before them, zeros at the borders.
    private sealed class Layer : ComposedModule
    {
        private readonly TorchSharp.Modules.Conv2d vertical;
        private readonly TorchSharp.Modules.Conv2d horizontal;
        private readonly TorchSharp.Modules.Conv2d fromVertical;
        private readonly TorchSharp.Modules.Conv2d fromCondition;
        private readonly TorchSharp.Modules.Conv2d residual;

        public Layer(int width)
            : base(nameof(Layer))
        {
            (vertical, horizontal) = (Conv2d(width, 2 * width, (2, 3)), Conv2d(width, 2 * width, (1, 2)));
            (fromVertical, fromCondition, residual) = (Conv2d(2 * width, 2 * width, 1), Conv2d(width, 4 * width, 1), Conv2d(width, width, 1));
            RegisterComponents();
        }

        /// <summary>The vertical stack's next features, and those that it passes to the horizontal one.</summary>
        /// <param name="lowering">Lowers the convolutions.</param>
        /// <param name="x">Its features with the row above: [N, width, H + 1, W].</param>
        /// <param name="conditions">The condition, [N, width, H, W].</param>
        public (Value Next, Value ForHorizontal) Vertical(ModuleLowering lowering, Value x, Value conditions)
        {
            var (toVertical, toHorizontal) = Split2(lowering.Lower(fromCondition, conditions), axis: 1);
            var above = lowering.Lower(vertical, Pad(x, 3, 1, 1));
            return (Gate(above + toVertical), lowering.Lower(fromVertical, above) + toHorizontal);
        }

        /// <summary>The horizontal stack's next features.</summary>
        /// <param name="lowering">Lowers the convolutions.</param>
        /// <param name="withLeft">Its features with the column to the left: [N, width, H, W + 1].</param>
        /// <param name="x">Its features, [N, width, H, W].</param>
        /// <param name="verticalFeatures">The vertical stack's features for it, [N, 2 width, H, W].</param>
        public Value Horizontal(ModuleLowering lowering, Value withLeft, Value x, Value verticalFeatures) =>
            x + lowering.Lower(residual, Gate(lowering.Lower(horizontal, withLeft) + verticalFeatures));

        // tanh(a) sigmoid(b)
        private static Value Gate(Value x)
        {
            var (a, b) = Split2(x, axis: 1);
            return Tanh(a) * Sigmoid(b);
        }
    }
}
