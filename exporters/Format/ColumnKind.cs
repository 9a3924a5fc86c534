namespace OnnxVae.Format;

/// <summary>What a column of a table holds.</summary>
public enum ColumnKind
{
    /// <summary>Real numbers, in units of their own.</summary>
    Number,

    /// <summary>One of two categories.</summary>
    Binary,

    /// <summary>One of several categories.</summary>
    Category,
}
