namespace OnnxVae.Format;

/// <summary>What columns of tables hold, in options and in the metadata of exported files.</summary>
internal static class ColumnKinds
{
    /// <summary>Real numbers.</summary>
    public const string Number = "number";

    /// <summary>One of two categories.</summary>
    public const string Binary = "binary";

    /// <summary>One of several categories.</summary>
    public const string Category = "category";
}
