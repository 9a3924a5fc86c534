using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// The rows of a table: independent Gaussian numbers, each column with a standard deviation that is learned like a weight, from 1; Bernoulli values, and categories. The decoder's output holds
/// means, logits of the second of two categories, and logits of each of several categories.
/// </summary>
/// <remarks>
/// Missing values have no part in the distortion, so that the objective is a bound of the likelihood of those which are there: Mattei and Frellsen 2019, arXiv 1812.02633, equation 4;
/// Nazabal et al. 2020, arXiv 1807.03653, equation 3. ln sigma = -6 + softplus(s + 6), as in <see cref="LearnedGaussianLikelihood"/>.
/// </remarks>
public sealed class TableLikelihood : Likelihood
{
    private readonly State? logSigma;

    /// <summary>Creates the standard deviations.</summary>
    /// <param name="table">The table's columns.</param>
    public TableLikelihood(TableSpec table)
    {
        ArgumentNullException.ThrowIfNull(table);
        Table = table;
        int numbers = table.Blocks.Where(block => block.Kind == ColumnKind.Number).Sum(block => block.Columns);
        logSigma = numbers == 0 ? null : State.Create("likelihood.logSigma", StateRole.Parameter, Tensor.From<float>([numbers], new float[numbers]));
    }

    /// <summary>The table's columns.</summary>
    public TableSpec Table { get; }

    /// <inheritdoc/>
    public override string Name => "table";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => logSigma is null ? [] : [logSigma];

    /// <inheritdoc/>
    public override Value Mean(Value output) => OfBlocks(block => MeanOf(block, Part(output, block)));

    /// <summary>The standard deviation of each value under P(y|z).</summary>
    /// <inheritdoc cref="Likelihood.Mean"/>
    public Value Deviation(Value output) => OfBlocks(block => DeviationOf(block, Part(output, block)));

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) => SumPerRow(ValueDistortions(y, output));

    /// <inheritdoc/>
    public override Value ValueDistortions(Value y, Value output) => OfBlocks(block => (Part(y, block), Part(output, block)) switch
    {
        var (number, mean) when block.Kind == ColumnKind.Number => LogSigma + GaussianPosterior.HalfLogTwoPi + (Square(number - mean) / (2f * Exp(2f * LogSigma))),
        var (binary, logit) when block.Kind == ColumnKind.Binary => Softplus(logit) - (logit * binary),
        var (oneHot, logits) => -oneHot * InColumns(block, logits, columns => LogSoftmax(columns, axis: 2)),
    });

    private Value LogSigma => Softplus(logSigma!.Current - GaussianPixels.LogSigmaFloor) + GaussianPixels.LogSigmaFloor;

    private Value OfBlocks(Func<TableBlock, Value> part) => Table.Blocks is [var only] ? part(only) : Concat(1, [.. Table.Blocks.Select(part)]);

    private Value Part(Value rows, TableBlock block) => Table.Blocks.Count == 1 ? rows : Slice(rows, 1, block.Start, block.End);

    private static Value MeanOf(TableBlock block, Value output) => block.Kind switch
    {
        ColumnKind.Number => output,
        ColumnKind.Binary => Sigmoid(output),
        _ => InColumns(block, output, columns => Softmax(columns, axis: 2)),
    };

    private Value DeviationOf(TableBlock block, Value output)
    {
        if (block.Kind == ColumnKind.Number)
        {
            return (0f * output) + Exp(LogSigma); // the same for all rows
        }

        var probability = MeanOf(block, output);
        return Sqrt(probability * (1f - probability));
    }

    private static Value InColumns(TableBlock block, Value x, Func<Value, Value> map) => Reshape(map(Reshape(x, [x.Shape[0], block.Columns, block.Width])), x.Shape);
}
