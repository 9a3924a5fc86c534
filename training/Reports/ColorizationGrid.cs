using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Training.Reports;

/// <summary>Images as a colorizer sees and colors them.</summary>
public static class ColorizationGrid
{
    private const int Images = 6, Ways = 3;

    /// <summary>Writes a grid with a row for each of the first images: the grayscale image, its segments, three ways to color it, and the image itself.</summary>
    /// <param name="path">The picture.</param>
    /// <param name="colorizer">The colorizer.</param>
    /// <param name="source">Images in color.</param>
    /// <param name="seed">Random seed.</param>
    public static void Save(string path, Colorizer colorizer, ImageSource source, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(colorizer);
        ArgumentNullException.ThrowIfNull(source);
        int count = (int)Math.Min(Images, source.Count), size = colorizer.Metadata.ImageSize, columns = Ways + 3;
        var grid = new float[count * columns * size];
        for (int row = 0; row < count; row++)
        {
            var image = new float[size];
            source.ReadValues(row, image);
            float[] grey = [.. Colorizer.Luminance(image, colorizer.GreySize).Select(x => Math.Clamp(x, 0, 1))];
            Tile(0, [.. grey, .. grey, .. grey]);
            for (int way = 0; way < Ways; way++)
            {
                var (colored, segments) = colorizer.Colorize(grey, seed + (ulong)way, first: row);
                if (way == 0)
                {
                    Tile(1, SegmentPicture.Of(segments, colorizer));
                }

                Tile(2 + way, colored);
            }

            Tile(columns - 1, [.. image.Select(x => Math.Clamp(x, 0, 1))]);

            void Tile(int column, ReadOnlySpan<float> values) => values.CopyTo(grid.AsSpan(((row * columns) + column) * size));
        }

        ImageGrid.Save(path, grid, colorizer.Metadata, columns);
    }
}
