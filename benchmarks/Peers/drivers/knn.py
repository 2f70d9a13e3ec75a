"""20-NN of 10,000 queries among 50,000 features of width 384. Usage: knn.py official|sklearn FOLDER THREADS (features.f32, queries.f32 and *.i32 labels)"""
import os
import sys

import numpy as np

from contender import not_set_up, official_sources, serve, set_torch_threads

mode, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
WIDTH, NEIGHBOURS, TEMPERATURE = 384, 20, 0.07


def load(name):
    values = np.fromfile(os.path.join(folder, name + ".f32"), np.float32).reshape(-1, WIDTH)
    return values, np.fromfile(os.path.join(folder, name + ".i32"), np.int32).astype(np.int64)


features, labels = load("features")
queries, truth = load("queries")
classes = int(labels.max()) + 1

if mode == "official":
    version = set_torch_threads(threads)
    official_sources("dino")
    import torch
    from eval_knn import knn_classifier
    arguments = [torch.from_numpy(array) for array in (features, labels, queries, truth)]
    serve(version, lambda: knn_classifier(*arguments, NEIGHBOURS, TEMPERATURE, classes), lambda accuracy: [accuracy[0]])
else:
    try:
        import sklearn
        from sklearn.neighbors import KNeighborsClassifier
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        not_set_up(str(error))
    # Of unit vectors, similarity is 1 - distance² / 2.
    classifier = KNeighborsClassifier(NEIGHBOURS, weights=lambda distance: np.exp((1 - distance * distance / 2) / TEMPERATURE), algorithm="brute", metric="euclidean",
                                      n_jobs=threads)
    with threadpool_limits(threads):
        serve(f"scikit-learn {sklearn.__version__}", lambda: classifier.fit(features, labels).predict(queries), lambda predicted: [100 * np.mean(predicted == truth)])
