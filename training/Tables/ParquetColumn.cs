using System.Globalization;
using OnnxVae.Inference;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Training.Tables;

/// <summary>Columns of Apache Parquet files, whatever the type of their values.</summary>
internal static class ParquetColumn
{
    private static readonly Dictionary<Type, (Func<ParquetRowGroupReader, DataField, Task<Array>> Read, Func<ParquetRowGroupWriter, DataField, object?[], Task> Write)> Table = new()
    {
        [typeof(string)] = (ReadTextAsync, (rows, field, values) => rows.WriteAsync(field, [.. values.Select(value => (string)value!)])),
        [typeof(bool)] = Of<bool>(),
        [typeof(sbyte)] = Of<sbyte>(),
        [typeof(byte)] = Of<byte>(),
        [typeof(short)] = Of<short>(),
        [typeof(ushort)] = Of<ushort>(),
        [typeof(int)] = Of<int>(),
        [typeof(uint)] = Of<uint>(),
        [typeof(long)] = Of<long>(),
        [typeof(ulong)] = Of<ulong>(),
        [typeof(float)] = Of<float>(),
        [typeof(double)] = Of<double>(),
        [typeof(decimal)] = Of<decimal>(),
        [typeof(DateTime)] = Of<DateTime>(),
        [typeof(TimeSpan)] = Of<TimeSpan>(),
    };

    /// <summary>Whether a column holds values that models take.</summary>
    /// <param name="field">The column.</param>
    public static bool IsReadable(DataField field) => IsCopyable(field) && TypeOf(field) != typeof(DateTime) && TypeOf(field) != typeof(TimeSpan);

    /// <summary>Whether a column can be copied.</summary>
    /// <param name="field">The column.</param>
    public static bool IsCopyable(DataField field) => Table.ContainsKey(TypeOf(field));

    /// <summary>The type of a column's values: that of the library, but for text.</summary>
    /// <param name="field">The column.</param>
    public static Type TypeOf(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>) ? typeof(string) : field.ClrType;

    /// <summary>Reads a column of a row group.</summary>
    /// <param name="rows">The row group.</param>
    /// <param name="field">The column.</param>
    /// <returns>An array of its values, null for missing ones.</returns>
    public static Task<Array> ReadAsync(ParquetRowGroupReader rows, DataField field) => Table[TypeOf(field)].Read(rows, field);

    /// <summary>Writes a column of a row group.</summary>
    /// <param name="rows">The row group.</param>
    /// <param name="field">The column.</param>
    /// <param name="values">Its values, null for missing ones.</param>
    public static Task WriteAsync(ParquetRowGroupWriter rows, DataField field, object?[] values) => Table[TypeOf(field)].Write(rows, field, values);

    /// <summary>A value as text, by which categories are named.</summary>
    public static string TextOf(object value) => value switch
    {
        true => "true",
        false => "false",
        float number => number.ToString("R", CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        _ => System.Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>A value of a table as a file of a type has it; numbers are rounded for types of whole ones.</summary>
    /// <param name="type">The type.</param>
    /// <param name="column">The value's column.</param>
    /// <param name="cell">A number, or a category's position.</param>
    /// <param name="decimalSign">The decimal sign of numbers that are text.</param>
    public static object Convert(Type type, TableColumn column, float cell, char decimalSign = '.') =>
        type == typeof(string) ? CellText.Of(column, cell, decimalSign)
        : column.Kind == TableColumnKind.Number ? System.Convert.ChangeType(double.Parse(cell.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), type, CultureInfo.InvariantCulture) // 0.1, not 0.10000000149
        : type == typeof(bool) ? cell > 0
        : System.Convert.ChangeType(column.Categories[(int)cell], type, CultureInfo.InvariantCulture);

    private static async Task<Array> ReadTextAsync(ParquetRowGroupReader rows, DataField field)
    {
        string?[] values = new string?[rows.RowCount];
        await rows.ReadAsync(field, values.AsMemory()).ConfigureAwait(false);
        return values;
    }

    private static (Func<ParquetRowGroupReader, DataField, Task<Array>>, Func<ParquetRowGroupWriter, DataField, object?[], Task>) Of<T>() where T : struct => (ReadAsync<T>, WriteAsync<T>);

    private static async Task<Array> ReadAsync<T>(ParquetRowGroupReader rows, DataField field) where T : struct
    {
        if (field.IsNullable)
        {
            var withNulls = new T?[rows.RowCount];
            await rows.ReadAsync<T>(field, withNulls.AsMemory()).ConfigureAwait(false);
            return withNulls;
        }

        var values = new T[rows.RowCount];
        await rows.ReadAsync<T>(field, values.AsMemory()).ConfigureAwait(false);
        return values;
    }

    private static Task WriteAsync<T>(ParquetRowGroupWriter rows, DataField field, object?[] values) where T : struct => field.IsNullable
        ? rows.WriteAsync<T>(field, values.Select(value => (T?)value).ToArray())
        : rows.WriteAsync<T>(field, values.Select(value => (T)value!).ToArray());
}
