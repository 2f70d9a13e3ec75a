"""One DINO training step on a GPU: official networks and loss, a loop at its best. Usage: train_cuda.py eager|compile fp32|tf32|bf16 vit_tiny|vit_small|vit_base K BATCH

Not the official loop, which waits for the device at every parameter it clips: norms, clipping, AdamW and the teacher's average run over all
parameters at once here, and matrix products in the precision asked for (bf16 by autocast, weights stay in single precision)."""
import contextlib
import sys
import warnings

from contender import noise, not_set_up, official_sources, serve, set_torch_threads

warnings.filterwarnings("ignore")
mode, precision, architecture, prototypes, batch = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
version = set_torch_threads(4)
official_sources("dino")
import torch
import torch.distributed

if not torch.cuda.is_available():
    not_set_up("no CUDA device")
torch.distributed.all_reduce = lambda *arguments, **options: None
torch.distributed.get_world_size = lambda *arguments: 1
import main_dino
import utils
import vision_transformer

LOCAL_CROPS, CLIP, TEMPERATURE = 8, 3.0, 0.04
device = torch.device("cuda")
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "fp32"


def network(drop_path):
    backbone = getattr(vision_transformer, architecture)(patch_size=16, drop_path_rate=drop_path)
    head = vision_transformer.DINOHead(backbone.embed_dim, prototypes, norm_last_layer=True)
    return utils.MultiCropWrapper(backbone, head).to(device)


def autocast():
    return torch.autocast("cuda", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


student, teacher = network(0.1), network(0.0)
teacher.load_state_dict(student.state_dict())
teacher.requires_grad_(False)
criterion = main_dino.DINOLoss(prototypes, LOCAL_CROPS + 2, TEMPERATURE, TEMPERATURE, 0, 100).to(device)
optimizer = torch.optim.AdamW(utils.get_params_groups(student), lr=5e-4 * batch / 256, fused=True)
followed = [(mine.detach(), theirs) for mine, theirs in zip(student.parameters(), teacher.parameters())]
trained = [parameter for parameter in student.parameters() if parameter.requires_grad]
sizes = [224] * 2 + [96] * LOCAL_CROPS
pinned = [torch.from_numpy(noise((batch, 3, size, size), start=index << 26)).pin_memory() for index, size in enumerate(sizes)]


def forward(crops):
    with autocast():
        return criterion(student(crops), teacher(crops[:2]), 0)


if mode == "compile":
    # Two sizes of crops are two programs, not one for all sizes.
    forward = torch.compile(forward, dynamic=False)


def work():
    crops = [crop.to(device, non_blocking=True) for crop in pinned]
    loss = forward(crops)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    gradients = [parameter.grad for parameter in trained]
    factors = (CLIP / (torch.stack(torch._foreach_norm(gradients)) + 1e-6)).clamp(max=1)
    torch._foreach_mul_(gradients, list(factors.unbind()))
    optimizer.step()
    with torch.no_grad():
        torch._foreach_lerp_([theirs for _, theirs in followed], [mine for mine, _ in followed], 0.004)
    return loss.item()


serve(f"{version}, {torch.cuda.get_device_name()}", work, lambda loss: [loss])
