"""Small sets of recordings of the form that the published ones have where tonic unpacks them."""

import numpy as np

__all__ = ["FOLDERS", "events_of", "write_set"]

FOLDERS = {"n-mnist": "NMNIST", "dvs-gesture": "DVSGesture", "cifar10-dvs": "CIFAR10DVS"}
SIDES = {"n-mnist": 34, "dvs-gesture": 128, "cifar10-dvs": 128}


def events_of(name, seed, label, count=400, length=100_000):
    """Events of a recording, whose class shows where they are: x, y, t in microseconds, p."""
    generator = np.random.default_rng(seed)
    side = SIDES[name]
    events = np.zeros(count, [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
    centre = (2 + 3 * label) % side
    for field, middle in (("x", centre), ("y", side - 1 - centre)):
        events[field] = np.clip(generator.normal(middle, 3, count), 0, side - 1)
    # DVS-Gesture has times of whole milliseconds.
    events["t"] = np.sort(generator.integers(0, length // 1000, count)) * 1000
    events["p"] = generator.random(count) < 0.5
    return events


def write_set(name, folder, each=(4, 2), classes=3):
    """Write ``each`` = (train, test) recordings of every one of the first classes, and return what
    is in them: two lists of (events, label), in the order in which the set is read."""
    place = folder / FOLDERS[name]
    parts = [[(number, label) for number in range(count) for label in range(classes)]
             for count in each]
    if name == "cifar10-dvs":  # which has no parts: the last tenth of each class, at least one
        total = sum(each)
        parts = [[(number, label) for number in range(total - 1) for label in range(10)],
                 [(total - 1, label) for label in range(10)]]
    found = []
    for part, clips in zip(("Train", "Test"), parts, strict=True):
        found.append([])
        for number, label in clips:
            seed = [number, label, int(part == "Test" and name != "cifar10-dvs")]
            events = events_of(name, seed, label)
            WRITERS[name](place, part, number, label, events)
            found[-1].append((events, label))
    return found


def _digit(place, part, number, label, events):
    path = place / part / str(label) / f"{3 * number + label:05}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    t, high = events["t"], events["p"].astype(int) << 7
    path.write_bytes(np.stack([events["x"], events["y"], high | t >> 16, t >> 8 & 255, t & 255],
                              axis=1).astype(np.uint8).tobytes())


def _gesture(place, part, number, label, events):
    path = place / f"ibmGesture{part}" / f"user{number:02}_led" / f"{label}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.stack([events["x"], events["y"], events["p"], events["t"] / 1000], axis=1))


def _picture(place, part, number, label, events):
    import faery

    name = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
            "truck")[label]
    path = place / name / f"cifar10_{name}_{number}.aedat4"
    path.parent.mkdir(parents=True, exist_ok=True)
    written = np.zeros(len(events), faery.EVENTS_DTYPE)
    for field in ("x", "y", "t"):
        written[field] = events[field]
    written["on"] = events["p"]
    faery.events_stream_from_array(written, (128, 128)).to_file(path)


WRITERS = {"n-mnist": _digit, "dvs-gesture": _gesture, "cifar10-dvs": _picture}
