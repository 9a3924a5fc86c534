using System.Globalization;

namespace OnnxVae.Training.Data;

/// <summary>A NumPy array in memory.</summary>
/// <param name="source">Its name, for messages.</param>
/// <param name="header">Its header.</param>
/// <param name="data">Its elements, as stored.</param>
internal sealed class NumpyArray(string source, NpyHeader header, ReadOnlyMemory<byte> data)
{
    private const double Rounding = 1e-5, RoundingOfHalves = 1e-3; // of a number, relative to it

    /// <summary>Its name, for messages.</summary>
    public string Source => source;

    /// <summary>Its header.</summary>
    public NpyHeader Header => header;

    /// <summary>Its elements, as stored.</summary>
    public ReadOnlyMemory<byte> Data => data;

    /// <summary>Number of elements.</summary>
    public int Count => (int)header.Count;

    /// <summary>Whether the elements are stored in row-major order.</summary>
    public bool IsRowMajor => !header.IsFortran || header.Shape.Length < 2;

    /// <summary>Reads the bytes of a <c>.npy</c>.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or in another format.</exception>
    public static NumpyArray Read(byte[] file, string source)
    {
        var header = Npy.ReadHeader(file, file.Length, source);
        return new NumpyArray(source, header, file.AsMemory(header.Length));
    }

    /// <summary>An element by its place in row-major order.</summary>
    public double this[long position] => header.Element(data.Span, IsRowMajor ? position : Stored(position));

    /// <summary>The values' smallest and largest.</summary>
    public (double Smallest, double Largest) Range()
    {
        double smallest = double.PositiveInfinity, largest = double.NegativeInfinity;
        for (long i = 0; i < Count; i++)
        {
            double value = header.Element(data.Span, i);
            (smallest, largest) = (Math.Min(smallest, value), Math.Max(largest, value));
        }

        return (smallest, largest);
    }

    /// <summary>Whether all values are from 0 to 1.</summary>
    public bool IsUnitRange() => Range() is ( >= 0, <= 1);

    /// <summary>Whether all values are exactly those of pixels: Booleans, whole numbers from 0 to 255, 16-bit ones, or the former divided by 255.</summary>
    public bool HoldsPixels()
    {
        switch (header)
        {
            case { Kind: 'b' } or { Kind: 'u', ItemSize: <= 2 }:
                return true;
            case { Kind: 'i' or 'u' }:
                return Range() is ( >= 0, <= byte.MaxValue);
            default:
                var (smallest, largest) = Range();
                double scale = largest <= 1 ? byte.MaxValue : 1;
                return smallest >= 0 && largest * scale <= byte.MaxValue && AreWhole(scale);
        }
    }

    /// <summary>Rejects a value that is not a pixel: of fractions, one that is outside the range.</summary>
    public InvalidDataException NoPixel(long position)
    {
        if (this[position] is > 0 and < 1)
        {
            for (long other = 0; other < Count; other++)
            {
                if (!(this[other] is >= 0 and <= 1))
                {
                    position = other;
                    break;
                }
            }
        }

        return new InvalidDataException(string.Create(
            CultureInfo.InvariantCulture, $"'{source}' holds {header.TypeName}, and {this[position]} at {IndexOf(position)}; expected pixels: whole numbers from 0 to 255, uint16, or numbers from 0 to 1."));
    }

    /// <summary>Rejects an array with a value that is not a finite Float32.</summary>
    /// <exception cref="InvalidDataException">There is one.</exception>
    public void RequireFinite()
    {
        for (long i = 0; header.Kind == 'f' && i < Count; i++)
        {
            if (!float.IsFinite((float)this[i]))
            {
                throw NotFinite(source, header, this[i], i);
            }
        }
    }

    /// <summary>What is wrong with a value that is not a finite Float32.</summary>
    public static InvalidDataException NotFinite(string source, NpyHeader header, double value, long position) => new(string.Create(
        CultureInfo.InvariantCulture, $"'{source}' holds {value} at {IndexOf(header, position)}, of type {header.TypeName}; expected finite numbers within the range of float32: leave that example out, or replace the value."));

    private string IndexOf(long position) => IndexOf(header, position);

    // As NumPy would be asked for it.
    private static string IndexOf(NpyHeader header, long position)
    {
        var index = new long[header.Shape.Length];
        for (int axis = index.Length - 1; axis >= 0; axis--)
        {
            (position, index[axis]) = Math.DivRem(position, header.Shape[axis]);
        }

        return $"[{string.Join(", ", index)}]";
    }

    private bool AreWhole(double scale)
    {
        double tolerance = scale == 1 ? 0 : header.ItemSize == 2 ? RoundingOfHalves : Rounding;
        for (long i = 0; i < Count; i++)
        {
            double value = header.Element(data.Span, i) * scale, pixel = Math.Round(value);
            if (!(Math.Abs(value - pixel) <= tolerance * pixel))
            {
                return false;
            }
        }

        return true;
    }

    private long Stored(long position)
    {
        long stored = 0, stride = Count;
        for (int axis = header.Shape.Length - 1; axis >= 0; axis--)
        {
            (position, long index) = Math.DivRem(position, header.Shape[axis]);
            stride /= header.Shape[axis];
            stored += index * stride;
        }

        return stored;
    }
}
