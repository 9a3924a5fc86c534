using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;
using static TorchSharp.torch.nn;
using Parameter = TorchSharp.Modules.Parameter;

namespace OnnxVae.Models.CodePriors;

/// <summary>
/// A prior for the top level: causal self-attention over the codes so far. Position i sees the embedding of code i - 1 (a vector of its own
/// for the first), of its place, and of the class.
/// </summary>
/// <remarks>
/// Pre-norm layers: Vaswani et al. 2017, arXiv 1706.03762, in the form of Child et al. 2019, arXiv 1904.10509,
/// section 5.2, without their sparsity. Razavi et al. 2019, arXiv 1906.00446, section 3.2, give the top level attention for its long range.
/// </remarks>
public sealed class AttentionPrior : CodePrior
{
    private const float Never = -1e9f;
    private const double InitialDeviation = 0.02;

    private readonly int width;
    private readonly int heads;
    private readonly TorchSharp.Modules.Embedding codeEmbedding;
    private readonly TorchSharp.Modules.Embedding classEmbedding;
    private readonly Parameter start;
    private readonly Parameter places;
    private readonly TorchSharp.Modules.ModuleList<Layer> layers;
    private readonly TorchSharp.Modules.LayerNorm norm;
    private readonly TorchSharp.Modules.Linear output;

    /// <summary>Builds the network.</summary>
    /// <param name="grid">The codes.</param>
    /// <param name="classes">C.</param>
    /// <param name="width">Features per position.</param>
    /// <param name="depth">Layers.</param>
    /// <param name="heads">Attention heads per layer.</param>
    /// <exception cref="ArgumentException">The width is not a multiple of the number of heads.</exception>
    public AttentionPrior(CodeGridShape grid, int classes, int width = 128, int depth = 4, int heads = 4)
        : base(nameof(AttentionPrior), grid, classes)
    {
        if (width % heads != 0)
        {
            throw new ArgumentException($"The width is {width}, which is not a multiple of the number of heads, {heads}: change one of them.", nameof(heads));
        }

        (this.width, this.heads) = (width, heads);
        (codeEmbedding, classEmbedding) = (Embedding(grid.Codes, width), Embedding(classes + 1, width));
        (start, places) = (Small(1, width), Small(grid.Positions, width));
        init.normal_(codeEmbedding.weight!, 0, InitialDeviation);
        init.normal_(classEmbedding.weight!, 0, InitialDeviation);
        layers = ModuleList([.. Enumerable.Range(0, depth).Select(_ => new Layer(width))]);
        (norm, output) = (LayerNorm(width), Linear(width, grid.Codes));
        RegisterComponents();

        static Parameter Small(long rows, long columns) => new(InitialDeviation * torch.randn(rows, columns));
    }

    /// <inheritdoc/>
    public override Value Logits(ModuleLowering lowering, Value codes, Value label, Value? known)
    {
        long n = codes.Shape[0], positions = Grid.Positions;
        var before = lowering.Lower(codeEmbedding, Slice(Reshape(codes, [n, positions]), 1, 0, positions - 1)); // [N, P - 1, width]
        var first = BroadcastTo(Reshape(lowering.Parameter(start), [1, 1, width]), [n, 1, width]);
        var x = Concat(1, first, before) + lowering.Parameter(places) + Reshape(lowering.Lower(classEmbedding, label), [n, 1, width]);
        float[] mask = [.. Enumerable.Range(0, Grid.Positions * Grid.Positions).Select(i => i % Grid.Positions > i / Grid.Positions ? Never : 0f)];
        foreach (var layer in layers)
        {
            var (q, k, v) = Heads(layer.Queries(lowering, x), q => Transpose(Reshape(q, [n, positions, heads, width / heads]), 0, 2, 1, 3));
            x = layer.Finish(lowering, x, Reshape(Transpose(Attend(q, Transpose(k, 0, 1, 3, 2), v, Value.Of<float>([positions, positions], mask)), 0, 2, 1, 3), [n, positions, width]));
        }

        return lowering.Lower(output, lowering.Lower(norm, x));
    }

    /// <summary>
    /// One graph, named after the level: <c>previous</c>, the code before, Int64 [N], <c>position</c>, Int64 [1], and <c>class</c>, Int64 [N], to
    /// <c>logits</c>, Float32 [N, K]; the keys and values of all positions so far are cached.
    /// </summary>
    public override IEnumerable<SamplingGraph> SamplingGraphs(ModuleLowering lowering)
    {
        long positions = Grid.Positions, size = width / heads;
        var previous = Value.Input("previous", ElementType.Int64, [Shape.Batch]);
        var label = Value.Input("class", ElementType.Int64, [Shape.Batch]);
        var position = Value.Input("position", ElementType.Int64, [1]);
        var inputs = new List<Value> { previous, label, position };
        var carried = new List<(string Name, Value Value)>();
        var place = Value.Indices([.. Enumerable.Range(0, Grid.Positions).Select(i => (long)i)]);
        var here = Equal(place, position);
        var later = Cast(Greater(Cast(place, ElementType.Float32), Cast(position, ElementType.Float32)), ElementType.Float32) * Never;
        var isFirst = Equal(position, Value.Indices(0));

        var x = Where(isFirst, lowering.Parameter(start), lowering.Lower(codeEmbedding, previous))
            + Gather(lowering.Parameter(places), 0, position) + lowering.Lower(classEmbedding, label);
        foreach (var (i, layer) in layers.Index())
        {
            var (q, k, v) = Heads(layer.Queries(lowering, x), q => Reshape(q, [Shape.Batch, heads, 1, size]));
            var keys = Remember($"keys.{i}", here, Reshape(k, [Shape.Batch, heads, size, 1]));
            var values = Remember($"values.{i}", Reshape(here, [positions, 1]), v);
            x = layer.Finish(lowering, x, Reshape(Attend(q, keys, values, later), [Shape.Batch, width]));
        }

        yield return new SamplingGraph("", inputs, [("logits", lowering.Lower(output, lowering.Lower(norm, x))), .. carried]);

        Value Remember(string name, Value isHere, Value now)
        {
            var before = Value.Input(name, ElementType.Float32, [Shape.Batch, heads, .. Shape.Broadcast(isHere.Shape, [.. now.Shape.Skip(2)])]);
            var all = Where(isHere, now, before);
            inputs.Add(before);
            carried.Add(($"{name}.next", all));
            return all;
        }
    }

    private static (Value Q, Value K, Value V) Heads(Value queries, Func<Value, Value> toHeads)
    {
        int last = queries.Shape.Rank - 1;
        var parts = Split(queries, last, 3);
        return (toHeads(parts[0]), toHeads(parts[1]), toHeads(parts[2]));
    }

    // softmax(q k / sqrt(d) + mask) v, a key in each column of k
    private static Value Attend(Value q, Value k, Value v, Value mask) =>
        MatMul(Softmax((MatMul(q, k) * (1 / MathF.Sqrt(q.Shape[3]))) + mask, axis: 3), v);

    private sealed class Layer : ComposedModule
    {
        private const int Expansion = 4;

        private readonly TorchSharp.Modules.LayerNorm attentionNorm;
        private readonly TorchSharp.Modules.Linear queries;
        private readonly TorchSharp.Modules.Linear projection;
        private readonly TorchSharp.Modules.Sequential perceptron;

        public Layer(int width)
            : base(nameof(Layer))
        {
            (attentionNorm, queries, projection) = (LayerNorm(width), Linear(width, 3 * width), Linear(width, width));
            perceptron = Sequential(LayerNorm(width), Linear(width, Expansion * width), SiLU(), Linear(Expansion * width, width));
            RegisterComponents();
        }

        public Value Queries(ModuleLowering lowering, Value x) => lowering.Lower(queries, lowering.Lower(attentionNorm, x));

        public Value Finish(ModuleLowering lowering, Value x, Value attended)
        {
            x += lowering.Lower(projection, attended);
            return x + lowering.Lower(perceptron, x);
        }
    }
}
