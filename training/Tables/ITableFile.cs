using OnnxVae.Inference;

namespace OnnxVae.Training.Tables;

/// <summary>The file of a table, whose cells can be read again and again.</summary>
internal interface ITableFile
{
    /// <summary>The file's name, for messages.</summary>
    string Path { get; }

    /// <summary>The names of its columns.</summary>
    IReadOnlyList<string> Columns { get; }

    /// <summary>Where a row is, for messages, as in <c>line 7 of 'a.csv'</c>.</summary>
    /// <param name="place">The number that came with its cells.</param>
    string Locate(long place);

    /// <summary>Reads cells.</summary>
    /// <param name="wanted">What takes the cells of each column, in the order of the rows; null for columns that are not read.</param>
    /// <returns>The number of rows.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or a column that is read has a type without numbers or text.</exception>
    long Read(IReadOnlyList<ICells?> wanted);

    /// <summary>Checks that all columns can be copied.</summary>
    /// <exception cref="InvalidDataException">One cannot.</exception>
    void RequireCopyable();

    /// <summary>Copies rows, with values in the place of missing ones; what is not missing stays as it is.</summary>
    /// <param name="target">Receives a file of the same format.</param>
    /// <param name="range">Which rows.</param>
    /// <param name="columns">The columns that are filled, in the order of <see cref="Columns"/>; null for those that are not.</param>
    /// <param name="draws">The values of each copy of the rows; several copies follow each other, and have their numbers, from 1, in a column <c>draw</c> before the others.</param>
    /// <param name="decimalSign">The decimal sign of the file's numbers.</param>
    void CopyFilled(Stream target, ImageRange range, IReadOnlyList<TableColumn?> columns, IReadOnlyList<FilledValue> draws, char decimalSign);
}

/// <summary>Takes the cells of a column, in the order of the rows.</summary>
internal interface ICells
{
    /// <summary>Takes text.</summary>
    /// <param name="text">The text, without spaces around it.</param>
    /// <param name="place">Where it is: see <see cref="ITableFile.Locate"/>.</param>
    void Add(ReadOnlySpan<char> text, long place);

    /// <summary>Takes a number.</summary>
    /// <param name="number">The number.</param>
    /// <param name="place">Where it is.</param>
    void Add(double number, long place);

    /// <summary>Takes note that a value is missing.</summary>
    void AddMissing();
}
