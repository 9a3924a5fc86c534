using OnnxVae.Exporters.Autodiff;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Exporters;

/// <summary>The gradients of layers against differences along a line, where no kink lies on it.</summary>
internal sealed class LayerDifferencesTests
{
    private const double Tolerance = 2e-2;
    private const float Step = 3e-4f;

    private static IEnumerable<LayerRow> Rows => LayerRows.All.Where(row => !row.IsOnKink);

    [TestCaseSource(nameof(Rows))]
    public void Gradients_AlongRandomDirection_EqualFiniteDifference(LayerRow row)
    {
        using var layer = row.Make();
        var graph = new LayerGraph(row, layer, training: true);
        float[][] direction = [.. graph.Targets.Select((target, i) => Numbers.StandardNormal(target.Shape.ElementCount, (ulong)(200 + i)))];

        double slope = graph.Run(Backward.Gradients(graph.Loss, graph.Targets)).Zip(direction, (g, d) => g.Zip(d, (a, b) => (double)a * b).Sum()).Sum();
        double difference = (LossAt(Step) - LossAt(-Step)) / (2 * Step);

        Assert.That(difference, Is.EqualTo(slope).Within(Tolerance * Math.Max(1, Math.Abs(slope))));

        double LossAt(float step) => graph.Run([graph.Loss], (target, values) =>
            [.. values.Zip(direction[graph.Targets.ToList().IndexOf(target)], (x, d) => x + (step * d))])[0][0];
    }
}
