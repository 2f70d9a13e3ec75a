"""All pictures of a folder, one after another on one core. Usage: pictures.py decode|evaluate|augment FOLDER"""
import glob
import io
import os
import random
import sys
import warnings

from contender import not_set_up, official_sources, serve, set_torch_threads

warnings.filterwarnings("ignore")
job, folder = sys.argv[1], sys.argv[2]
files = [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(folder, "*.jpg")))]
try:
    import PIL
    from PIL import Image
except ImportError as error:
    not_set_up(str(error))


def decode(data):
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    picture.load()
    return picture


if job == "decode":
    import numpy

    serve(f"Pillow {PIL.__version__}", lambda: [decode(data) for data in files], lambda pictures: [numpy.mean([numpy.asarray(picture).mean() for picture in pictures])])
    sys.exit()

version = set_torch_threads(1)
import torch
import torchvision
from torchvision import transforms

random.seed(0)
version = f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}"
if job == "evaluate":
    evaluate = transforms.Compose([transforms.Resize(256, interpolation=transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224), transforms.ToTensor(),
                                   transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    decoded = [decode(data) for data in files]
    serve(version, lambda: [evaluate(picture) for picture in decoded], lambda views: [torch.stack(views).double().mean()])
else:
    official_sources("dino")
    import main_dino
    augment = main_dino.DataAugmentationDINO((0.4, 1.0), (0.05, 0.4), 8)

    def check(views):
        """Chance decides the values; the number of them is fixed."""
        return [sum(view.numel() for view in views[0])]

    serve(version, lambda: [augment(decode(data)) for data in files], check)
