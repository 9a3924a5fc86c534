using OnnxVae.Inference;

namespace OnnxVae.Training.Reports;

/// <summary>Segments as a picture: a color of its own for each.</summary>
public static class SegmentPicture
{
    // Turns of the color wheel from one segment to the next, so that few segments have colors that are far apart.
    private const double Turn = 0.61803398875;

    /// <summary>Colors the segments of an image.</summary>
    /// <param name="segments">Int32 [h, w].</param>
    /// <param name="colorizer">What they come from.</param>
    /// <returns>Float32 [3, H, W], values in [0, 1].</returns>
    public static float[] Of(ReadOnlySpan<int> segments, Colorizer colorizer)
    {
        ArgumentNullException.ThrowIfNull(colorizer);
        var (grid, height, width) = (colorizer.Grid, colorizer.Metadata.Height, colorizer.Metadata.Width);
        var picture = new float[3 * height * width];
        for (int i = 0; i < height * width; i++)
        {
            var (row, column) = Math.DivRem(i, width);
            int segment = segments[(row * grid.Rows / height * grid.Columns) + (column * grid.Columns / width)];
            for (int channel = 0; channel < 3; channel++)
            {
                picture[(channel * height * width) + i] = (float)(0.5 + (0.45 * Math.Cos(2 * Math.PI * ((segment * Turn) + (channel / 3.0)))));
            }
        }

        return picture;
    }
}
