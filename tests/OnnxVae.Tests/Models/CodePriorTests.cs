using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.CodePriors;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Models;

/// <summary>Priors of codes: position after position they compute what they compute of all at once, and no code sees a later one.</summary>
internal sealed class CodePriorTests
{
    private const int Images = 3, Classes = 4, KnownCodes = 5;
    private const double Tolerance = 1e-5;

    private static readonly CodeGridShape Grid = new(Codes: 11, Height: 4, Width: 6);
    private static readonly Value Codes = Value.Input("codes", ElementType.Int64, [Images, Grid.Height, Grid.Width]);
    private static readonly Value Label = Value.Input("label", ElementType.Int64, [Images]);
    private static readonly Value Known = Value.Input("known", ElementType.Int64, [Images, Grid.Height / 2, Grid.Width / 2]);

    [SetUp]
    public void Seed() => torch.random.manual_seed(2);

    [Test]
    public void AttentionPrior_StepByStep_EqualsAllAtOnce()
    {
        using var prior = new AttentionPrior(Grid, Classes, width: 16, depth: 3, heads: 2);
        var lowering = Randomized(prior);
        var (codes, label, _) = Random(1);
        float[] expected = Logits(prior, lowering, codes, label, []);
        using var session = Session(lowering, prior.SamplingGraphs(lowering).Single());
        var carried = Enumerable.Range(0, 3).SelectMany(i => (string[])[$"keys.{i}", $"values.{i}"]).ToDictionary(name => name, _ => (Array)new float[Images * 16 * Grid.Positions]);

        for (int position = 0; position < Grid.Positions; position++)
        {
            var results = session.Run(new Dictionary<string, Array>(carried)
            {
                ["previous"] = Column(codes, position - 1),
                ["position"] = (long[])[position],
                ["class"] = label,
            });
            AssertSame(expected, position, (float[])results["logits"]);
            HandOn(carried, results);
        }
    }

    [Test]
    public void GatedConvolutionPrior_StepByStep_EqualsAllAtOnce()
    {
        const int width = 8, depth = 3;
        using var prior = new GatedConvolutionPrior(Grid, KnownCodes, Classes, width, depth);
        var lowering = Randomized(prior);
        var (codes, label, known) = Random(2);
        float[] expected = Logits(prior, lowering, codes, label, known);
        var graphs = prior.SamplingGraphs(lowering).ToDictionary(graph => graph.Name);
        using GraphSession condition = Session(lowering, graphs["_condition"]), rows = Session(lowering, graphs["_row"]), positions = Session(lowering, graphs[""]);
        var conditioned = condition.Run(new Dictionary<string, Array> { ["class"] = label, ["known"] = known })["condition"];
        var vertical = Enumerable.Range(0, depth).ToDictionary(i => $"vertical.{i}", _ => (Array)new float[Images * width * Grid.Width]);
        var horizontal = Enumerable.Range(0, depth).ToDictionary(i => $"horizontal.{i}", _ => (Array)new float[Images * width]);

        for (int row = 0; row < Grid.Height; row++)
        {
            long[] above = [.. Enumerable.Range(0, Images).SelectMany(n => Enumerable.Range(0, Grid.Width).Select(c => row == 0 ? 7 : codes[(n * Grid.Positions) + ((row - 1) * Grid.Width) + c]))];
            var ofRow = rows.Run(new Dictionary<string, Array>(vertical) { ["above"] = above, ["row"] = (long[])[row], ["condition"] = conditioned });
            HandOn(vertical, ofRow);
            for (int column = 0; column < Grid.Width; column++)
            {
                int position = (row * Grid.Width) + column;
                var results = positions.Run(new Dictionary<string, Array>(horizontal)
                {
                    ["previous"] = Column(codes, position - 1),
                    ["column"] = (long[])[column],
                    ["verticalFeatures"] = ofRow["verticalFeatures"],
                });
                AssertSame(expected, position, (float[])results["logits"]);
                HandOn(horizontal, results);
            }
        }
    }

    // Another code at a position changes the logits of later positions, all of them, and none of those up to it.
    [TestCase("attention")]
    [TestCase("convolution")]
    public void Logits_DependOnAllEarlierCodesAndOnNoOther(string kind)
    {
        using CodePrior prior = kind == "attention"
            ? new AttentionPrior(Grid, Classes, width: 16, depth: 2, heads: 2)
            : new GatedConvolutionPrior(Grid, KnownCodes, Classes, width: 8, depth: 6);
        var lowering = Randomized(prior);
        var (codes, label, known) = Random(3);
        float[] before = Logits(prior, lowering, codes, label, known);
        for (int position = 0; position < Grid.Positions; position++)
        {
            long[] changed = [.. codes];
            changed[position] = (changed[position] + 1) % Grid.Codes;
            float[] after = Logits(prior, lowering, changed, label, known);
            for (int other = 0; other < Grid.Positions; other++)
            {
                bool isSame = Of(before, 0, other).SequenceEqual(Of(after, 0, other));
                Assert.That(isSame, Is.EqualTo(other <= position), $"position {other} after a change of {position}");
            }
        }
    }

    // A change of an image's class shows at all its positions; one of a code of the level above at those it lies over, at least; no other image sees it.
    [TestCase("attention")]
    [TestCase("convolution")]
    public void Logits_DependOnTheClassAndOnTheLevelAbove(string kind)
    {
        using CodePrior prior = kind == "attention"
            ? new AttentionPrior(Grid, Classes, width: 16, depth: 2, heads: 2)
            : new GatedConvolutionPrior(Grid, KnownCodes, Classes, width: 8, depth: 2);
        var lowering = Randomized(prior);
        var (codes, label, known) = Random(4);
        float[] before = Logits(prior, lowering, codes, label, known);

        long[] otherLabel = [(label[0] + 1) % (Classes + 1), .. label[1..]];
        AssertChanged(Logits(prior, lowering, codes, otherLabel, known), _ => true);
        for (int cell = 0; cell < known.Length / Images && kind == "convolution"; cell++)
        {
            long[] otherKnown = [.. known];
            otherKnown[cell] = (known[cell] + 1) % KnownCodes;
            var (row, column) = (cell / (Grid.Width / 2), cell % (Grid.Width / 2));
            AssertChanged(Logits(prior, lowering, codes, label, otherKnown), position => position / Grid.Width / 2 == row && position % Grid.Width / 2 == column);
        }

        void AssertChanged(float[] after, Func<int, bool> mustChange)
        {
            for (int position = 0; position < Grid.Positions; position++)
            {
                Assert.That(Of(after, 0, position), mustChange(position) ? Is.Not.EqualTo(Of(before, 0, position)) : Has.Exactly(Grid.Codes).Items, $"position {position}");
                Assert.That(Of(after, 1, position), Is.EqualTo(Of(before, 1, position)), "another image");
            }
        }
    }

    private static ModuleLowering Randomized(CodePrior prior)
    {
        using (torch.no_grad())
        {
            foreach (var parameter in prior.parameters())
            {
                parameter.add_(0.3 * torch.randn_like(parameter)); // larger than at first, so that everything shows
            }
        }

        return new ModuleLowering(prior);
    }

    private static float[] Logits(CodePrior prior, ModuleLowering lowering, long[] codes, long[] label, long[] known) => GraphRunner.Run(
        [prior.Logits(lowering, Codes, Label, Known)],
        [(Codes, codes), (Label, label), (Known, known), .. lowering.States.Select(state => (state.Current, GraphRunner.ToArray(state.Initial)))])[0];

    private static GraphSession Session(ModuleLowering lowering, SamplingGraph graph) => new(GraphCompiler
        .Build("sampling", [.. graph.Inputs, .. lowering.States.Select(state => state.Current)], graph.Outputs)
        .Bake(lowering.States.ToDictionary(state => state.Spec.Name, state => state.Initial)));

    private static (long[] Codes, long[] Label, long[] Known) Random(int seed)
    {
        var random = new Random(seed);
        long[] Draw(int count, int below) => [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(below))];
        return (Draw(Images * Grid.Positions, Grid.Codes), Draw(Images, Classes + 1), Draw(Images * Grid.Positions / 4, KnownCodes));
    }

    private static long[] Column(long[] codes, int position) => [.. Enumerable.Range(0, Images).Select(n => position < 0 ? 3 : codes[(n * Grid.Positions) + position])];

    private static void HandOn(Dictionary<string, Array> carried, Dictionary<string, Array> results)
    {
        foreach (string name in carried.Keys.ToArray())
        {
            carried[name] = results[$"{name}.next"];
        }
    }

    private static IEnumerable<float> Of(float[] logits, int image, int position) => logits.Skip(((image * Grid.Positions) + position) * Grid.Codes).Take(Grid.Codes);

    private static void AssertSame(float[] expected, int position, float[] actual) => Assert.That(
        Numbers.RelativeError(actual, [.. Enumerable.Range(0, Images).SelectMany(n => Of(expected, n, position))]), Is.LessThan(Tolerance), $"position {position}");
}
