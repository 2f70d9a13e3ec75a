"""Eight JPEG files of 500x375 pixels, quality 90: four parts of each of the two photographs that scikit-learn ships."""
import os

from contender import PEERS


def main():
    folder = os.path.join(PEERS, "pictures")
    if sum(name.endswith(".jpg") for name in os.listdir(folder)) >= 8:
        return
    import sklearn.datasets
    from PIL import Image
    for name in ("china.jpg", "flower.jpg"):
        photograph = Image.fromarray(sklearn.datasets.load_sample_image(name))
        width, height = photograph.size
        # From the whole picture to two thirds of it: detail and so file size differ, as they do among photographs.
        for part, share in enumerate((1.0, 0.9, 0.8, 0.67)):
            left, top = (width - width * share) / 2, (height - height * share) / 2
            view = photograph.resize((500, 375), Image.BICUBIC, (left, top, width - left, height - top))
            view.save(os.path.join(folder, f"{name[:-4]}{part}.jpg"), quality=90)


main()
