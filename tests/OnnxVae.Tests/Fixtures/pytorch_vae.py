"""Makes the files pytorch_vae*.safetensors: two VAEs that PyTorch trained, and what it makes of eight images. Run with PyTorch 1.13 in this folder; the tests read the files and need no Python.

pytorch_vae: dense, with the module names of PyTorch's own VAE example. pytorch_conv_vae: convolutional, in half precision, wrapped as by DataParallel.
Their images and reconstructions (decoder's output at the mean of the latents, after the sigmoid) are in the _expected files.
"""
import json

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


def save_file(tensors, path):
    """As safetensors.torch.save_file: the header's length, the header, the data."""
    names = {torch.float32: "F32", torch.float16: "F16", torch.uint8: "U8"}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key, tensor in sorted(tensors.items()):
        content = tensor.contiguous().numpy().tobytes()
        header[key] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(path, "wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded + data)


def discs(count, side):
    """Discs of random place and size, UInt8 [count, 1, side, side]."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    center = torch.rand(count, 2, 1, 1) * (side - 4) + 2
    radius = torch.rand(count, 1, 1) * 2 + 1
    distance = ((y - center[:, 0]) ** 2 + (x - center[:, 1]) ** 2).sqrt()
    return ((radius + 0.5 - distance).clamp(0, 1) * 255).round().to(torch.uint8)[:, None]


class DenseVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(144, 32)
        self.fc21 = nn.Linear(32, 4)
        self.fc22 = nn.Linear(32, 4)
        self.fc3 = nn.Linear(4, 32)
        self.fc4 = nn.Linear(32, 144)

    def encode(self, x):
        h = F.relu(self.fc1(x.flatten(1)))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return self.fc4(F.relu(self.fc3(z))).view(-1, 1, 12, 12)


class ConvVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 16), nn.ReLU(), nn.Linear(16, 6))
        self.decoder = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 4 * 36), nn.Unflatten(1, (4, 6, 6)), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1))

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z)


def train(vae, images, steps=2000):
    optimizer = torch.optim.Adam(vae.parameters(), 2e-3)
    for _ in range(steps):
        x = images[torch.randint(len(images), (64,))] / 255
        mean, log_var = vae.encode(x)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        distortion = F.binary_cross_entropy_with_logits(vae.decode(z), x, reduction="sum")
        rate = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum()
        optimizer.zero_grad()
        ((distortion + rate) / len(x)).backward()
        optimizer.step()


def save(name, vae, weights):
    images = discs(8, 12)
    with torch.no_grad():
        reconstructions = torch.sigmoid(vae.decode(vae.encode(images / 255)[0]))
    save_file(weights, f"{name}.safetensors")
    save_file({"images": images, "reconstructions": reconstructions.contiguous()}, f"{name}_expected.safetensors")


data = discs(2000, 12)
dense = DenseVae()
train(dense, data)
save("pytorch_vae", dense, dense.state_dict())

conv = ConvVae()
train(conv, data)
conv = conv.half().float()  # the values that half precision holds
save("pytorch_conv_vae", conv, {f"module.{key}": value.half() for key, value in conv.state_dict().items()})
