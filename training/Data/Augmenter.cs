using System.Numerics;
using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>Changes the images of a batch at random. Not safe for several threads.</summary>
internal sealed class Augmenter
{
    private const uint Stream = 0x41756730; // far from those of noise inputs, which count from 1

    private readonly Augmentation options;
    private readonly int channels, height, width;
    private readonly ulong seed;
    private readonly int[] rows, columns; // where the pixels of the unshifted, unrotated image come from

    /// <param name="options">The changes.</param>
    /// <param name="images">A source with the images' shape.</param>
    /// <param name="seed">Random seed.</param>
    /// <exception cref="ArgumentException">The changes do not fit the images.</exception>
    public Augmenter(Augmentation options, ImageSource images, ulong seed)
    {
        options.RequireFit(images);
        (this.options, channels, height, width, this.seed) = (options, images.Channels, images.Height, images.Width, seed);
        (rows, columns) = (new int[height], new int[width]);
    }

    /// <summary>Changes an image.</summary>
    /// <param name="image">[C, H, W]: pixels as they are stored, or real numbers.</param>
    /// <param name="original">Room for a copy of it.</param>
    /// <param name="step">The step that it is for.</param>
    /// <param name="row">Its place in the batch.</param>
    public void Apply<T>(Span<T> image, Span<T> original, ulong step, int row) where T : unmanaged, INumber<T>
    {
        image.CopyTo(original);
        var (flip, cropRow, cropColumn, _) = Philox.Block((uint)row * 2, Stream, step, seed);
        var (shiftRow, shiftColumn, turn, _) = Philox.Block(((uint)row * 2) + 1, Stream, step, seed);
        bool isFlipped = options.Flip && flip < 1u << 31;
        Origins(rows, Offset(cropRow, options.CropPadding), isFlipped: false);
        Origins(columns, Offset(cropColumn, options.CropPadding), isFlipped);
        var (down, right) = (Offset(shiftRow, options.Shift), Offset(shiftColumn, options.Shift));
        if (options.Rotation == 0)
        {
            Move<T>(image, original, down, right);
        }
        else
        {
            double angle = ((2.0 * turn / uint.MaxValue) - 1) * options.Rotation * Math.PI / 180;
            Turn<T>(image, original, down, right, angle);
        }
    }

    private static int Offset(uint random, int largest) => (int)((ulong)random * ((2 * (uint)largest) + 1) >> 32) - largest;

    private static void Origins(int[] origins, int offset, bool isFlipped)
    {
        int last = origins.Length - 1;
        for (int i = 0; i <= last; i++)
        {
            int place = Math.Abs(i + offset);
            place = place > last ? (2 * last) - place : place; // reflected; the border itself is not repeated
            origins[i] = isFlipped ? last - place : place;
        }
    }

    private void Move<T>(Span<T> image, ReadOnlySpan<T> original, int down, int right)
    {
        for (int i = 0, channel = 0; channel < channels; channel++)
        {
            for (int y = 0; y < height; y++)
            {
                var line = original.Slice(((channel * height) + RowAt(y - down)) * width, width);
                for (int x = 0; x < width; x++)
                {
                    image[i++] = line[ColumnAt(x - right)];
                }
            }
        }
    }

    private void Turn<T>(Span<T> image, ReadOnlySpan<T> original, int down, int right, double angle) where T : unmanaged, INumber<T>
    {
        var (sin, cos) = Math.SinCos(angle);
        double centerY = (height - 1) / 2.0, centerX = (width - 1) / 2.0;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                double fromCenterY = y - down - centerY, fromCenterX = x - right - centerX;
                double sourceY = centerY + (cos * fromCenterY) - (sin * fromCenterX), sourceX = centerX + (sin * fromCenterY) + (cos * fromCenterX);
                int top = (int)Math.Floor(sourceY), left = (int)Math.Floor(sourceX);
                float lower = (float)(sourceY - top), later = (float)(sourceX - left);
                int above = RowAt(top) * width, below = RowAt(top + 1) * width, first = ColumnAt(left), second = ColumnAt(left + 1);
                for (int channel = 0; channel < channels; channel++)
                {
                    var plane = original.Slice(channel * height * width, height * width);
                    float value = ((1 - lower) * Mix(plane[above + first], plane[above + second])) + (lower * Mix(plane[below + first], plane[below + second]));
                    image[(((channel * height) + y) * width) + x] = typeof(T) == typeof(byte) ? T.CreateSaturating(MathF.Round(value)) : T.CreateSaturating(value);
                }

                float Mix(T one, T other) => ((1 - later) * float.CreateSaturating(one)) + (later * float.CreateSaturating(other));
            }
        }
    }

    private int RowAt(int y) => rows[Math.Clamp(y, 0, height - 1)];

    private int ColumnAt(int x) => columns[Math.Clamp(x, 0, width - 1)];
}
