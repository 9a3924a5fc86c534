using OnnxVae.Exporters.Modules;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace OnnxVae.Tests.Networks;

/// <summary>ResNet-18 (He et al. 2016, arXiv 1512.03385), built of TorchSharp's layers and the combinators.</summary>
internal static class ResNet18
{
    public static Sequential Build(int width = 64, int classes = 10) => Sequential(
        ("conv1", Conv2d(3, width, 7, stride: 2, padding: 3, bias: false)),
        ("bn1", BatchNorm2d(width)),
        ("relu", ReLU()),
        ("maxpool", MaxPool2d(3, stride: 2, padding: 1)),
        ("layer1", Sequential(Block(width, width, 1), Block(width, width, 1))),
        ("layer2", Sequential(Block(width, 2 * width, 2), Block(2 * width, 2 * width, 1))),
        ("layer3", Sequential(Block(2 * width, 4 * width, 2), Block(4 * width, 4 * width, 1))),
        ("layer4", Sequential(Block(4 * width, 8 * width, 2), Block(8 * width, 8 * width, 1))),
        ("avgpool", AdaptiveAvgPool2d(1)),
        ("flatten", Flatten()),
        ("fc", Linear(8 * width, classes)));

    private static Sequential Block(int input, int output, int stride) => Sequential(
        new Residual(
            Sequential(
                Conv2d(input, output, 3, stride: stride, padding: 1, bias: false), BatchNorm2d(output), ReLU(),
                Conv2d(output, output, 3, padding: 1, bias: false), BatchNorm2d(output)),
            stride == 1 ? null : Sequential(Conv2d(input, output, 1, stride: stride, bias: false), BatchNorm2d(output))),
        ReLU());
}
