"""Makes pytorch_cnn.onnx and pytorch_cnn.json: a small network of PyTorch's, exported by PyTorch, and ten steps of its
training. Run with PyTorch 1.13 in this folder; the tests read the two files and need no Python."""
import json
import torch
from torch import nn

torch.manual_seed(0)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.ln = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        y = torch.nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        y = torch.nn.functional.gelu(self.conv2(self.norm(y)))
        y = torch.nn.functional.adaptive_avg_pool2d(y, 1)
        y = self.ln(y.view(y.size(0), -1))
        return self.fc(y).log_softmax(1)


network = Network()
network.norm.running_mean.uniform_(-0.5, 0.5)
network.norm.running_var.uniform_(0.5, 1.5)
network.eval()
x = torch.randn(6, 1, 8, 8)
target = torch.tensor([0, 2, 1, 1, 0, 2])
torch.onnx.export(
    network, x, "pytorch_cnn.onnx", opset_version=17, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
    input_names=["x"], output_names=["logp"], dynamic_axes={"x": {0: "n"}, "logp": {0: "n"}})

output = network(x)
optimizer = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9)
losses = []
for _ in range(10):
    loss = torch.nn.functional.nll_loss(network(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

json.dump(
    {"x": x.flatten().tolist(), "target": target.tolist(), "output": output.flatten().tolist(), "losses": losses,
     "weight": network.fc.weight.flatten().tolist()},
    open("pytorch_cnn.json", "w"))
