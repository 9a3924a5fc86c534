using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Evaluation;

/// <summary>What a latent segmentation is about: compares it with known segments, and says whether it carries color, segments, or nothing.</summary>
internal sealed class SegmentationTotals
{
    private readonly MetricSpec segments;
    private readonly ImageSource source;
    private readonly long[,]? counts;
    private readonly int side;
    private double? entropy = 0;
    private long images;

    private SegmentationTotals(MetricSpec segments, int clusters, ImageSource source)
    {
        (this.segments, this.source) = (segments, source);
        side = (int)Math.Sqrt((double)source.Height * source.Width / segments.Shape[1]);
        counts = source.Segments > 0 ? new long[clusters, source.Segments] : null;
    }

    /// <summary>Totals for a program; null if it has no segments.</summary>
    public static SegmentationTotals? For(ProgramSpec program, ImageSource source) => program.Metrics.FirstOrDefault(metric => metric.Role == MetricRole.Segments) is { } segments
        ? new SegmentationTotals(segments, (int)program.Metrics.First(metric => metric.Role == MetricRole.CodeCounts).Shape[1], source)
        : null;

    /// <summary>Adds the last run of a batch.</summary>
    /// <param name="runner">What ran.</param>
    /// <param name="first">The number of the batch's first image.</param>
    /// <param name="rows">Images in the batch; further rows are padding.</param>
    public void Add(ProgramRunner runner, long first, int rows)
    {
        var predicted = runner.Metric(segments.Name);
        int positions = (int)segments.Shape[1], columns = source.Width / side;
        var truth = new byte[source.Height * source.Width];
        for (int row = 0; row < rows; row++)
        {
            entropy += source.ConditionalEntropyOf(first + row);
            if (counts is null)
            {
                continue;
            }

            source.ReadSegments(first + row, truth);
            for (int i = 0; i < truth.Length; i++)
            {
                var (y, x) = Math.DivRem(i, source.Width);
                counts[(int)predicted[(row * positions) + (y / side * columns) + (x / side)], truth[i]]++;
            }
        }

        images += rows;
    }

    /// <summary>Adds the answers to the other figures, per image where the name says nothing else.</summary>
    public EvaluationFigures AddTo(EvaluationFigures figures)
    {
        var further = new Dictionary<string, double>(figures.Further);
        double cells = segments.Shape[1], rate = figures.Rate!.Value;
        var (ofPosterior, ofPrior) = (figures.Codes["Segments"], figures.Codes["SegmentsOfPrior"]);
        further["segmentEntropy"] = Math.Log(ofPosterior.Perplexity);
        double seen = Math.Max(0, Math.Log(ofPrior.Perplexity) - (further["priorEntropy"] / cells));
        further["informationAboutGrey"] = seen;
        further["informationAboutColorUpper"] = rate;
        double? truth = entropy / images;
        if (truth is { } known)
        {
            further["trueConditionalEntropy"] = known;
            further["informationAboutColorLower"] = Math.Clamp(known - figures.Distortion!.Value, 0, rate);
        }

        if (counts is not null)
        {
            var clustering = new Clustering(counts);
            (further["adjustedRandIndex"], further["meanIntersectionOverUnion"]) = (clustering.AdjustedRandIndex, clustering.MeanIntersectionOverUnion);
        }

        return figures with { Further = further, Verdict = SegmentationVerdict.Judge(figures, further["distortionFromPrior"], seen, cells) };
    }
}
