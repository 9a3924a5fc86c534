namespace OnnxVae.Training.Data;

/// <summary>What the axes of an array of examples are.</summary>
public enum ArrayLayout
{
    /// <summary>[N, D]: vectors.</summary>
    Nd,

    /// <summary>[N, C, L]: series.</summary>
    Ncl,

    /// <summary>[N, L, C]: series.</summary>
    Nlc,

    /// <summary>[N, H, W]: grayscale images.</summary>
    Nhw,

    /// <summary>[N, C, H, W]: images.</summary>
    Nchw,

    /// <summary>[N, H, W, C]: images.</summary>
    Nhwc,

    /// <summary>[N, D, H, W]: volumes of one channel.</summary>
    Ndhw,

    /// <summary>[N, C, D, H, W]: volumes.</summary>
    Ncdhw,

    /// <summary>[N, D, H, W, C]: volumes.</summary>
    Ndhwc,
}
