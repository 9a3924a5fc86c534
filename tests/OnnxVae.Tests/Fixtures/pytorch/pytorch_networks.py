"""Writes the networks of this folder with PyTorch 1.13: python3 pytorch_networks.py"""
import inspect
import os
import sys

import torch
import torch.nn.functional as F
from torch import nn


class Fn(nn.Module):
    """A function of x and of submodules."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module) if not isinstance(module, torch.Tensor) else setattr(self, name, nn.Parameter(module))

    def forward(self, x):
        return self.function(self, x)


class Buffered(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.register_buffer("positions", torch.linspace(-1, 1, 6))

    def forward(self, x):
        return self.linear(x + self.positions)


class ClassToken(nn.Module):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(torch.randn(1, 5, 8))
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        y = self.patches(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.token.expand(x.shape[0], -1, -1), y], 1) + self.positions
        return self.head(self.layer(y)[:, 0])


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 8)
        self.decoder = nn.Linear(4, 6)

    def forward(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return self.decoder(mean + torch.exp(0.5 * log_variance)).sigmoid()


class Quantized(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 4)
        self.codes = nn.Parameter(torch.randn(5, 4))

    def forward(self, x):
        z = self.encoder(x)
        distances = (z * z).sum(1, keepdim=True) - 2 * z @ self.codes.t() + (self.codes * self.codes).sum(1)
        return z + self.codes[distances.argmin(1)]


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.features, self.gate = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(3, 6, 1)

    def forward(self, x):
        return torch.tanh(self.features(x)) * torch.sigmoid(self.gate(x))


class SqueezeExcite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.down, self.up = nn.Conv2d(3, 8, 3), nn.Linear(8, 2), nn.Linear(2, 8)

    def forward(self, x):
        y = self.conv(x)
        s = torch.sigmoid(self.up(F.silu(self.down(y.mean((2, 3))))))
        return y * s[:, :, None, None]


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(layer.hidden_size * (2 if layer.bidirectional else 1), 3)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


class Window(nn.Module):
    """A shifted window attention block, as in Swin."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x):
        n, c, h, w = x.shape
        y = torch.roll(x, (-2, -2), (2, 3)).reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, c)
        y = self.attention(y, y, y, need_weights=False)[0]
        y = y.reshape(n, h // 4, w // 4, 4, 4, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)
        return torch.roll(y, (2, 2), (2, 3)) + x


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.depthwise = nn.Conv2d(3, 8, 2, 2), nn.Conv2d(8, 8, 5, padding=2, groups=8)
        self.norm, self.wide, self.narrow = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)
        self.scale = nn.Parameter(0.1 * torch.ones(8))

    def forward(self, x):
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.narrow(F.gelu(self.wide(y)))).permute(0, 3, 1, 2)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, 2, 1), nn.Conv2d(12, 3, 3, padding=1)

    def forward(self, x):
        skip = F.relu(self.a(x))
        y = F.interpolate(F.relu(self.b(skip)), size=skip.shape[2:], mode="bilinear", align_corners=False)
        return self.c(torch.cat([skip, y], 1))


IMAGE, VECTOR, SEQUENCE = (2, 3, 8, 8), (2, 6), (2, 5, 6)

NETWORKS = {
    "reflection_pad": (nn.Sequential(nn.ReflectionPad2d((1, 2, 3, 0)), nn.Conv2d(3, 4, 3)), IMAGE),
    "replication_pad": (nn.Sequential(nn.ReplicationPad2d(2), nn.Conv2d(3, 4, 3)), IMAGE),
    "functional_pad": (Fn(lambda m, x: m.c(F.pad(x, (1, 0, 2, 1), value=0.5)), c=nn.Conv2d(3, 4, 3)), IMAGE),
    "circular_conv": (nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), IMAGE),
    "class_token": (ClassToken(), IMAGE),
    "pixel_unshuffle": (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 8, 3, padding=1), nn.PixelShuffle(2)), IMAGE),
    "lstm_two_layers": (Recurrent(nn.LSTM(6, 4, 2, batch_first=True, bidirectional=True)), SEQUENCE),
    "gru": (Recurrent(nn.GRU(6, 4, batch_first=True)), SEQUENCE),
    "rnn_relu": (Recurrent(nn.RNN(6, 4, batch_first=True, nonlinearity="relu")), SEQUENCE),
    "spectral_norm": (nn.Sequential(nn.utils.spectral_norm(nn.Linear(6, 5)).eval(), nn.Tanh()), VECTOR),
    "weight_norm": (nn.utils.weight_norm(nn.Linear(6, 5)), VECTOR),
    "standardized": (Fn(lambda m, x: m.l((x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-3)), l=nn.Linear(6, 4)), VECTOR),
    "variance_of_images": (Fn(lambda m, x: m.c(x) / torch.sqrt(x.var((1, 2, 3), keepdim=True) + 0.1), c=nn.Conv2d(3, 2, 3)), IMAGE),
    "cumulative": (Fn(lambda m, x: torch.cumsum(m.l(x), 1), l=nn.Linear(6, 4)), VECTOR),
    "power_of_two": (Fn(lambda m, x: 2 ** m.l(x), l=nn.Linear(6, 4)), VECTOR),
    "roll_and_flip": (Fn(lambda m, x: torch.flip(m.l(torch.roll(x, 2, 1)), [1]), l=nn.Linear(6, 4)), VECTOR),
    "interpolate_scale": (Fn(lambda m, x: F.interpolate(m.c(x), scale_factor=1.5, mode="bilinear"), c=nn.Conv2d(3, 2, 3)), IMAGE),
    "interpolate_like": (Fn(lambda m, x: F.interpolate(m.c(x), size=x.shape[2:], mode="nearest"), c=nn.Conv2d(3, 2, 3, 2)), IMAGE),
    "interpolate_bicubic": (Fn(lambda m, x: F.interpolate(m.c(x), (9, 7), mode="bicubic", align_corners=True), c=nn.Conv2d(3, 2, 3)), IMAGE),
    "gray_upsample": (nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(scale_factor=2, mode="bilinear")), (1, 1, 8, 8)),
    "vae": (Vae(), VECTOR),
    "quantized": (Quantized(), VECTOR),
    "buffered": (Buffered(), VECTOR),
    "gated": (Gated(), IMAGE),
    "squeeze_excite": (SqueezeExcite(), IMAGE),
    "shifted_windows": (Window(), (2, 4, 8, 8)),
    "convnext": (ConvNext(), IMAGE),
    "unet": (UNet(), IMAGE),
    "residual_batchnorm": (Fn(lambda m, x: F.relu(x + m.b(m.c(x))), c=nn.Conv2d(3, 3, 3, padding=1, bias=False), b=nn.BatchNorm2d(3)), IMAGE),
    "group_norm": (nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(4, 8), nn.SiLU()), IMAGE),
    "instance_norm": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.LeakyReLU(0.2)), IMAGE),
    "layer_norm": (nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2)), VECTOR),
    "attention": (Fn(lambda m, x: m.a(x, x, x)[0], a=nn.MultiheadAttention(6, 2, batch_first=True)), SEQUENCE),
    "causal_attention": (Fn(lambda m, x: torch.softmax((m.q(x) @ m.k(x).transpose(1, 2) / 6 ** 0.5).masked_fill(torch.triu(torch.ones(5, 5), 1).bool(), float("-inf")), -1) @ x, q=nn.Linear(6, 6), k=nn.Linear(6, 6)), SEQUENCE),
    "embedding": (Fn(lambda m, x: m.e((x > 0).long()).mean(1), e=nn.Embedding(2, 4)), VECTOR),
    "pools": (Fn(lambda m, x: F.avg_pool2d(m.c(x), 3, 2, 1, count_include_pad=False) + F.max_pool2d(m.c(x), 3, 2, 1), c=nn.Conv2d(3, 4, 3, padding=1)), IMAGE),
    "ceil_pools": (Fn(lambda m, x: F.avg_pool2d(m.c(x), 2, 2, ceil_mode=True) + F.max_pool2d(m.c(x), 2, 2, ceil_mode=True), c=nn.Conv2d(3, 4, 2)), IMAGE),
    "adaptive_pool": (nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2)), IMAGE),
    "transposed": (nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1), nn.Sigmoid()), IMAGE),
    "conv1d": (nn.Sequential(nn.Conv1d(5, 4, 3, padding=1), nn.MaxPool1d(2), nn.ELU()), SEQUENCE),
    "conv3d": (nn.Sequential(nn.Conv3d(2, 3, 2), nn.AvgPool3d(2)), (2, 2, 5, 5, 5)),
    "log_sum_exp": (Fn(lambda m, x: torch.logsumexp(m.l(x), 1) + m.l(x).norm(dim=1) + m.l(x).abs().sum(1), l=nn.Linear(6, 4)), VECTOR),
    "top_values": (Fn(lambda m, x: m.l(x).topk(2, 1)[0].prod(1), l=nn.Linear(6, 4)), VECTOR),
    "take_along": (Fn(lambda m, x: torch.gather(m.l(x), 1, x[:, :4].argsort(1)), l=nn.Linear(6, 4)), VECTOR),
    "assigned": (Fn(lambda m, x: assign(m.l(x)), l=nn.Linear(6, 4)), VECTOR),
    "split_and_stack": (Fn(lambda m, x: torch.stack(m.l(x).split([1, 3, 2], 1)[1].unbind(1), 0).t(), l=nn.Linear(6, 6)), VECTOR),
    "einsum": (Fn(lambda m, x: torch.einsum("nti,ij->ntj", x, m.w), w=torch.randn(6, 3)), SEQUENCE),
    "mixed_activations": (Fn(lambda m, x: F.hardswish(m.l(x)) + F.mish(m.l(x)) + F.softplus(m.l(x)) + F.hardtanh(m.l(x)) + F.logsigmoid(m.l(x)) + F.celu(m.l(x)), l=nn.Linear(6, 4)), VECTOR),
    "clamp_where": (Fn(lambda m, x: torch.where(x > 0, m.l(x).clamp(-0.5, 0.5), m.l(x).clamp(min=0.1)), l=nn.Linear(6, 6)), VECTOR),
    "meshgrid": (Fn(lambda m, x: m.c(torch.cat([x, torch.stack(torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij")).float()[None].expand(x.shape[0], -1, -1, -1)], 1)), c=nn.Conv2d(5, 3, 3)), IMAGE),
    "flatten_view": (Fn(lambda m, x: m.l(x.view(x.size(0), -1)).view(x.size(0), 2, -1), l=nn.Linear(192, 6)), IMAGE),
}


def assign(y):
    y = y.clone()
    y[:, 1] = y[:, 0] * 2
    return y


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, (network, shape) in NETWORKS.items():
        torch.manual_seed(7)
        for parameter in network.parameters():
            with torch.no_grad():
                parameter.copy_(torch.randn_like(parameter) / max(1, parameter[0].numel() if parameter.dim() > 1 else 4) ** 0.5)
        for kind in ("fixed", "open"):
            axes = {"x": {0: "n"}, "y": {0: "n"}} if kind == "open" else None
            try:
                torch.onnx.export(network.eval(), torch.randn(shape), os.path.join(folder, f"{name}_{kind}.onnx"), opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes=axes)
            except Exception as e:
                print(name, kind, type(e).__name__, str(e)[:200].replace("\n", " "))
