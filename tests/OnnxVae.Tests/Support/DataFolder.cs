namespace OnnxVae.Tests.Support;

/// <summary>The folder of MNIST and CIFAR-10, for tests that need them.</summary>
internal static class DataFolder
{
    public static string Mnist => Path.Combine(Root, "mnist");

    public static string Cifar10 => Path.Combine(Root, "cifar10-train.tar.gz");

    private static string Root
    {
        get
        {
            string? folder = Environment.GetEnvironmentVariable("ONNXVAE_DATA");
            if (string.IsNullOrEmpty(folder))
            {
                Assert.Ignore("Needs MNIST or CIFAR-10: set ONNXVAE_DATA to the folder that holds them.");
            }

            return Path.GetFullPath(folder!);
        }
    }
}
