"""The contender's side of the line protocol: `ready {..}`, then for each line `run SECONDS` one JSON line with the seconds of each repetition."""
import json
import os
import signal
import sys
import time

PEERS = os.environ["PEERS_DIR"]
WARM_UP_SECONDS = 1.0
# A repetition that is over sooner is timed in groups: the clock and the loop must not count.
SHORTEST_SAMPLE = 0.002
NOT_SET_UP = 3


def official_sources(name):
    """Puts a checkout of the official code on the module path."""
    folder = os.path.join(PEERS, name)
    if not os.path.isdir(folder):
        not_set_up(f"no checkout of facebookresearch/{name}")
    sys.path.insert(0, folder)


def not_set_up(reason):
    """Ends a contender that lacks something to run; the runner shows the reason."""
    print(reason, file=sys.stderr)
    sys.exit(NOT_SET_UP)


def setup_file(*parts):
    """A file that setup.sh makes."""
    path = os.path.join(PEERS, *parts)
    if not os.path.exists(path):
        not_set_up(f"{'/'.join(parts)} is missing")
    return path


def noise(shape, start=0):
    """The inputs that every contender gets: element i is a hash of start + i, uniform in [-1, 1)."""
    import numpy as np
    bits = np.arange(start, start + int(np.prod(shape)), dtype=np.uint32)
    bits *= np.uint32(2654435769)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(2246822519)
    bits ^= bits >> np.uint32(13)
    return ((bits >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)).reshape(shape)


def set_torch_threads(threads):
    """The thread count of torch's operators; returns its version."""
    try:
        import torch
    except ImportError as error:
        not_set_up(str(error))
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return f"torch {torch.__version__}"


def ready(version, check):
    """Says who runs and what came out, for the runner to compare with the other contenders."""
    print("ready " + json.dumps({"version": version, "check": [float(value) for value in check]}), flush=True)


def requests():
    """Seconds of each `run` line; ends with `quit` or with the runner."""
    while line := sys.stdin.readline():
        words = line.split()
        if words[0] == "quit":
            return
        yield float(words[1])


def answer(seconds):
    """One line for a `run`."""
    print(json.dumps(seconds), flush=True)


def serve(version, work, check):
    """Warms up, then repeats `work` on request. `check` is called once, with the result of the first repetition."""
    # Ctrl-C is the runner's to handle: it ends its contenders.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    values = check(work())
    begin = time.perf_counter()
    while time.perf_counter() - begin < WARM_UP_SECONDS:
        work()
    ready(version, values)
    for limit in requests():
        begin = time.perf_counter()
        work()
        group = max(1, int(SHORTEST_SAMPLE / (time.perf_counter() - begin)))
        samples, begin = [], time.perf_counter()
        while not samples or time.perf_counter() - begin < limit:
            start = time.perf_counter()
            for _ in range(group):
                work()
            samples.append((time.perf_counter() - start) / group)
        answer(samples)
