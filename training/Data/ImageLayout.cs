namespace OnnxVae.Training.Data;

/// <summary>Where an array of images has its channels.</summary>
public enum ImageLayout
{
    /// <summary>[N, C, H, W].</summary>
    ChannelsFirst,

    /// <summary>[N, H, W, C].</summary>
    ChannelsLast,
}
