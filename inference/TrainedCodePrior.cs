using System.Runtime.ExceptionServices;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// An autoregressive prior over the codes of a VQ-VAE, conditional on the class if the images had classes: draws grids of codes, one code per image
/// at a time, the top level first. The state that later codes need is cached, so each code costs one pass over one position. Safe to use from several threads.
/// </summary>
/// <remarks>Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, section 3.2.</remarks>
/// <example><code>
/// using var decoder = VaeDecoder.Load(ExportedFiles.Decoder);
/// using var prior = TrainedCodePrior.Load(".", new CodeSampling(Class: "7", Temperature: 0.9));
/// float[] images = decoder.Generate(count: 16, seed: 1, prior: prior);
/// </code></example>
public sealed class TrainedCodePrior : LatentPrior
{
    private const int FewestImagesOfAPart = 4;
    private const uint ClassStream = 0x636C, CodeStream = 0x636F; // plus the level

    private readonly CodePriorGraphs graphs;
    private readonly CodeSampling sampling;
    private readonly int? label;
    private bool isShared;

    private TrainedCodePrior(CodePriorGraphs graphs, CodeSampling sampling)
        : base(graphs.Grids.Sum(grid => grid.Positions), graphs.Weights)
    {
        sampling.Validate();
        (this.graphs, this.sampling) = (graphs, sampling);
        int index = Array.IndexOf(graphs.Classes, sampling.Class);
        label = sampling.Class is null ? null : index >= 0 ? index : throw new ArgumentException(
            $"There is no class '{sampling.Class}'; {(graphs.Classes.Length == 0 ? "the prior was trained on images without classes" : $"known are {string.Join(", ", graphs.Classes)}")}.", nameof(sampling));
    }

    /// <summary>The names of the classes.</summary>
    public IReadOnlyList<string> Classes => graphs.Classes;

    private CodeGrid[] Grids => graphs.Grids;

    /// <summary>Whether a folder has the files of such a prior, for all levels.</summary>
    public static bool IsIn(string folder, ModelMetadata decoder) =>
        decoder.HasCodes && CodePriorGraphs.FilesOf(decoder.CodeGrids.Count).All(file => File.Exists(Path.Combine(folder, file)));

    /// <summary>The files of such a prior.</summary>
    /// <param name="levels">Levels of codes, 1 or 2.</param>
    public static IReadOnlyList<string> FilesOf(int levels) => CodePriorGraphs.FilesOf(levels);

    /// <summary>
    /// Loads <c>prior_top.onnx</c>, <c>prior_bottom.onnx</c>, <c>prior_bottom_condition.onnx</c> and <c>prior_bottom_row.onnx</c>; for a model with
    /// one level, <c>prior_bottom.onnx</c> alone.
    /// </summary>
    /// <param name="folder">Their folder.</param>
    /// <param name="sampling">How codes are drawn.</param>
    /// <param name="options">How to run; the device is always the CPU, and a pass takes one thread unless the options say otherwise.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is not an ONNX model or not a prior of codes, or the files belong to different models.</exception>
    /// <exception cref="ArgumentException">There is no such class, or a number is out of range.</exception>
    public static TrainedCodePrior Load(string folder, CodeSampling? sampling = null, VaeOptions? options = null)
    {
        options ??= new VaeOptions();
        options.Validate();
        var graphs = new CodePriorGraphs(folder, options);
        try
        {
            return new TrainedCodePrior(graphs, sampling ?? new CodeSampling());
        }
        catch
        {
            graphs.Dispose();
            throw;
        }
    }

    /// <summary>The same prior with other sampling settings. It shares this prior's graphs: dispose only this one, after the last use of either.</summary>
    /// <param name="sampling">How codes are drawn.</param>
    /// <exception cref="ArgumentException">There is no such class, or a number is out of range.</exception>
    public TrainedCodePrior With(CodeSampling sampling) => new(graphs, sampling) { isShared = true };

    /// <inheritdoc/>
    /// <remarks>Multiple images are divided among the threads.</remarks>
    public override void Draw(ulong seed, long first, Span<float> latents, Condition? condition = null)
    {
        int count = latents.Length / LatentSize, parts = Math.Clamp(count / FewestImagesOfAPart, 1, graphs.MaxConcurrentDraws);
        var drawn = new float[parts][];
        try
        {
            Parallel.For(0, parts, part =>
            {
                int begin = count * part / parts, end = count * (part + 1) / parts;
                drawn[part] = Draw(seed, first + begin, end - begin);
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerException!);
        }

        int done = 0;
        foreach (float[] part in drawn)
        {
            part.CopyTo(latents[done..]);
            done += part.Length;
        }
    }

    private float[] Draw(ulong seed, long first, int count)
    {
        using var turn = graphs.Take();
        var latents = new float[count * LatentSize];
        long[] labels = [.. Enumerable.Range(0, count).Select(n => label ?? DrawClass(seed, first + n))], known = [];
        int done = 0;
        for (int level = 0; level < Grids.Length; level++)
        {
            var codes = new Drawing(this, level, seed, first, count);
            if (level == Grids.Length - 1 && graphs.Rows is not null)
            {
                DrawByRows(codes, labels, known);
            }
            else
            {
                DrawByPositions(codes, labels);
            }

            known = codes.Codes;
            int positions = Grids[level].Positions;
            for (int i = 0; i < known.Length; i++)
            {
                latents[(i / positions * LatentSize) + done + (i % positions)] = known[i];
            }

            done += positions;
        }

        return latents;
    }

    private protected override void Dispose(bool disposing)
    {
        if (!isShared)
        {
            graphs.Dispose();
        }

        base.Dispose(disposing);
    }

    private long DrawClass(ulong seed, long image)
    {
        Span<float> u = [0];
        Philox.FillUniform(u, seed, ClassStream, (ulong)image);
        double left = u[0];
        for (int k = 0; k < Classes.Count - 1; k++)
        {
            left -= graphs.ClassFrequencies[k];
            if (left < 0)
            {
                return k;
            }
        }

        return Math.Max(0, Classes.Count - 1); // 0 stands for "no class" when there are none
    }

    private void DrawByPositions(Drawing drawing, long[] labels)
    {
        using var loop = new DecodingLoop(graphs.OfLevels[drawing.Level], labels.Length);
        labels.CopyTo(loop.Integers("class"));
        for (int position = 0; position < Grids[drawing.Level].Positions; position++)
        {
            loop.Integers("position")[0] = position;
            drawing.CopyColumn(position - 1, loop.Integers("previous"));
            loop.Step();
            drawing.Take(position, loop.Result("logits"));
        }
    }

    private void DrawByRows(Drawing drawing, long[] labels, long[] known)
    {
        using DecodingLoop condition = new(graphs.Condition!, labels.Length), ofRows = new(graphs.Rows!, labels.Length), ofCodes = new(graphs.OfLevels[drawing.Level], labels.Length);
        var grid = Grids[drawing.Level];
        labels.CopyTo(condition.Integers("class"));
        known.CopyTo(condition.Integers("known"));
        condition.Step();
        condition.Result("condition").CopyTo(ofRows.Numbers("condition"));
        for (int row = 0; row < grid.Rows; row++)
        {
            ofRows.Integers("row")[0] = row;
            drawing.CopyRow(row - 1, ofRows.Integers("above"));
            ofRows.Step();
            ofRows.Result("verticalFeatures").CopyTo(ofCodes.Numbers("verticalFeatures"));
            ofCodes.Reset();
            for (int column = 0; column < grid.Columns; column++)
            {
                int position = (row * grid.Columns) + column;
                ofCodes.Integers("column")[0] = column;
                drawing.CopyColumn(position - 1, ofCodes.Integers("previous"));
                ofCodes.Step();
                drawing.Take(position, ofCodes.Result("logits"));
            }
        }
    }

    // The codes of a level while they are being drawn, [N, positions].
    private sealed class Drawing
    {
        private readonly TrainedCodePrior prior;
        private readonly CodeGrid grid;
        private readonly float[] uniform;

        public Drawing(TrainedCodePrior prior, int level, ulong seed, long first, int count)
        {
            (this.prior, Level, grid) = (prior, level, prior.Grids[level]);
            Codes = new long[count * grid.Positions];
            uniform = new float[Codes.Length];
            for (int n = 0; n < count; n++)
            {
                Philox.FillUniform(uniform.AsSpan(n * grid.Positions, grid.Positions), seed, CodeStream + ((uint)level << 16), (ulong)(first + n));
            }
        }

        public int Level { get; }

        public long[] Codes { get; }

        public void Take(int position, ReadOnlySpan<float> logits)
        {
            for (int n = 0; n < Codes.Length / grid.Positions; n++)
            {
                int at = (n * grid.Positions) + position;
                Codes[at] = prior.sampling.Draw(logits.Slice(n * grid.Codes, grid.Codes), uniform[at]);
            }
        }

        // Before the first code and above the first row there is nothing; the values there do not matter.
        public void CopyColumn(int position, Span<long> codes)
        {
            for (int n = 0; n < codes.Length; n++)
            {
                codes[n] = position < 0 ? 0 : Codes[(n * grid.Positions) + position];
            }
        }

        public void CopyRow(int row, Span<long> codes)
        {
            for (int n = 0; n < codes.Length / grid.Columns && row >= 0; n++)
            {
                Codes.AsSpan((n * grid.Positions) + (row * grid.Columns), grid.Columns).CopyTo(codes[(n * grid.Columns)..]);
            }
        }
    }
}
