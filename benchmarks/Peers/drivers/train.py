"""One DINO training step: the official networks, loss and train_one_epoch on fixed crops. Usage: train.py vit_small|vit_tiny|cifar K BATCH THREADS"""
import argparse
import contextlib
import functools
import io
import signal
import sys
import time
import warnings

from contender import WARM_UP_SECONDS, answer, noise, official_sources, ready, requests, set_torch_threads

warnings.filterwarnings("ignore")
architecture, prototypes, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
version = set_torch_threads(threads)
official_sources("dino")
import torch
import torch.distributed
from torch import nn

# The official loop is written for CUDA and several processes; here it runs on the CPU and alone.
torch.Tensor.cuda = lambda self, *arguments, **options: self
nn.Module.cuda = lambda self, *arguments, **options: self
torch.cuda.synchronize = lambda *arguments: None
torch.distributed.all_reduce = lambda *arguments, **options: None
torch.distributed.get_world_size = lambda *arguments: 1
import main_dino
import utils
import vision_transformer

signal.signal(signal.SIGINT, signal.SIG_IGN)
global_size, local_size, local_crops = (32, 16, 4) if architecture == "cifar" else (224, 96, 8)


def backbone(drop_path):
    if architecture != "cifar":
        return getattr(vision_transformer, architecture)(patch_size=16, drop_path_rate=drop_path)
    return vision_transformer.VisionTransformer(img_size=[32], patch_size=4, embed_dim=192, depth=12, num_heads=3, mlp_ratio=4, qkv_bias=True,
                                                drop_path_rate=drop_path, norm_layer=functools.partial(nn.LayerNorm, eps=1e-6))


class SingleProcess(nn.Module):
    """Stands where the loop expects DistributedDataParallel."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, crops):
        return self.module(crops)


student_backbone, teacher_backbone = backbone(0.1), backbone(0.0)
width = student_backbone.embed_dim
student = SingleProcess(utils.MultiCropWrapper(student_backbone, vision_transformer.DINOHead(width, prototypes, norm_last_layer=True)))
teacher = utils.MultiCropWrapper(teacher_backbone, vision_transformer.DINOHead(width, prototypes))
teacher.load_state_dict(student.module.state_dict())
for parameter in teacher.parameters():
    parameter.requires_grad = False
loss = main_dino.DINOLoss(prototypes, local_crops + 2, 0.04, 0.04, 0, 100)
losses = []
loss.register_forward_hook(lambda module, inputs, output: losses.append(float(output)))
optimizer = torch.optim.AdamW(utils.get_params_groups(student))
sizes = [global_size] * 2 + [local_size] * local_crops
crops = [torch.from_numpy(noise((batch, 3, size, size), start=index << 26)) for index, size in enumerate(sizes)]
protocol = sys.stdout


def say(function, *arguments):
    """The loop's own printing is swallowed; the protocol's is not."""
    with contextlib.redirect_stdout(protocol):
        function(*arguments)


class Requests:
    """A data loader whose batches are the steps that the runner asks for."""

    def __len__(self):
        return 1 << 20

    def __iter__(self):
        begin = time.perf_counter()
        while len(losses) < 2 or time.perf_counter() - begin < WARM_UP_SECONDS:
            yield crops, None
        say(ready, version, losses[:1])
        for limit in requests():
            yield crops, None
            samples, begin = [], time.perf_counter()
            while not samples or time.perf_counter() - begin < limit:
                start = time.perf_counter()
                yield crops, None
                samples.append(time.perf_counter() - start)
            say(answer, samples)


class Constant:
    """A schedule that never ends."""

    def __init__(self, value):
        self.value = value

    def __getitem__(self, step):
        return self.value


options = argparse.Namespace(clip_grad=3.0, epochs=100, freeze_last_layer=1)
with contextlib.redirect_stdout(io.StringIO()):
    main_dino.train_one_epoch(student, teacher, teacher, loss, Requests(), optimizer, Constant(5e-4 * batch / 256), Constant(0.04), Constant(0.996), 0, None, options)
