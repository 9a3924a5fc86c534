namespace OnnxVae.Training.Tables;

/// <summary>What a column of a file is taken for.</summary>
public enum ColumnType
{
    /// <summary>Real numbers.</summary>
    Number,

    /// <summary>One of two categories.</summary>
    Binary,

    /// <summary>One of several categories.</summary>
    Category,

    /// <summary>The names of the rows, which no model sees.</summary>
    Name,

    /// <summary>Nothing: it is left out.</summary>
    Ignore,
}
