"""The loop: it learns, it repeats, and a continued run is the uninterrupted one."""

import dataclasses

import numpy as np
import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.nn.data import load
from bsnn_hw.nn.files import load_checkpoint, save_checkpoint
from bsnn_hw.nn.recipe import default_recipe
from bsnn_hw.nn.training import Trainer
from tests.for_each import for_each, quick


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def recipe(**changes):
    return default_recipe("digits", **{"hidden": (24, 16), "epochs": 4, "batch": 64} | changes)


def parameters(trainer):
    return torch.cat([value.flatten().double() for value in trainer.network.state_dict().values()])


def run(trainer, epochs=None):
    while not trainer.finished and epochs != 0:
        trainer.run_epoch()
        epochs = None if epochs is None else epochs - 1
    return trainer


@quick(1, wide=None)
@for_each("gate", ["agmm", "agmm-sample", "none"])
def test_digits_are_learnt(digits, gate):
    trainer = run(Trainer(recipe(epochs=6, gate=gate), digits))
    assert trainer.test()["accuracy"] > 0.9
    assert trainer.history[-1]["loss"] < trainer.history[0]["loss"] / 2


@pytest.mark.wide
def test_events_coding_learns(digits):
    assert run(Trainer(recipe(epochs=6, coding="events"), digits)).test()["accuracy"] > 0.85


@quick(1, wide=None)
@for_each("seed, flips", [(0, False), (7, True)])
def test_resumed_is_bit_for_bit_uninterrupted(digits, tmp_path, seed, flips):
    chosen = recipe(seed=seed, flips=flips)
    whole = run(Trainer(chosen, digits))
    save_checkpoint(tmp_path / "c", run(Trainer(chosen, digits), 2).state())
    torch.manual_seed(99)  # what happened elsewhere in the process does not matter
    resumed = run(Trainer(chosen, digits, load_checkpoint(tmp_path / "c")))
    assert torch.equal(parameters(whole), parameters(resumed))
    assert whole.history == resumed.history
    assert whole.test() == resumed.test()


@pytest.mark.wide
@for_each("coding", ["direct", "events"])
def test_inputs_that_are_left_out_have_no_say(digits, tmp_path, coding):
    chosen = recipe(inputs_used=20, flips=True, coding=coding)
    whole = run(Trainer(chosen, digits))
    assert len(whole.used) == 20
    assert whole.network.hidden["fc1"].synapse.weight.shape == (24, 20)
    left_out = np.setdiff1d(np.arange(64), whole.used)
    spoilt = digits.test_x.copy()
    spoilt[:, left_out] = 15 - spoilt[:, left_out]
    before = whole.test()
    assert before["accuracy"] > 0.5
    whole.dataset = dataclasses.replace(digits, test_x=spoilt)
    assert whole.test() == before
    save_checkpoint(tmp_path / "c", run(Trainer(chosen, digits), 2).state())
    resumed = run(Trainer(chosen, digits, load_checkpoint(tmp_path / "c")))
    assert torch.equal(parameters(whole), parameters(resumed))


def test_another_seed_gives_another_network(digits):
    one, other = (run(Trainer(recipe(seed=seed, epochs=1), digits)) for seed in (0, 1))
    assert not torch.equal(parameters(one), parameters(other))


def test_validation_samples_stay_out_of_training(digits):
    spoilt = digits.train_x.copy()
    spoilt[-200:] = 0
    blind = dataclasses.replace(digits, train_x=spoilt)
    one, other = (run(Trainer(recipe(epochs=1), data)) for data in (digits, blind))
    assert torch.equal(parameters(one), parameters(other))
    assert one.validate()["samples"] == 200


def test_history_line_says_what_happened(digits):
    line = Trainer(recipe(), digits).run_epoch()
    assert line["epoch"] == 1
    assert set(line["rates"]) == set(line["gates"]) == {"fc1", "fc2"}
    assert set(line["flip_ratios"]) == {"fc1", "fc2", "readout"}
    assert line["spikes_per_inference"]["fc1"] == pytest.approx(line["rates"]["fc1"] * 4 * 24)
    assert 0 < line["flip_ratio"] < 1
    assert line["validation_accuracy"] is not None


def test_flip_ratio_counts_signs_per_step(digits):
    # One step: the ratio is the share of all signs that differ before and after it.
    trainer = Trainer(recipe(batch=1200, validation=200), digits)
    before = {name: w >= 0 for name, w in trainer.network.latent_weights().items()}
    line = trainer.run_epoch()
    after = {name: w >= 0 for name, w in trainer.network.latent_weights().items()}
    flips = sum(int((before[name] != after[name]).sum()) for name in before)
    assert line["flip_ratio"] == flips / sum(signs.numel() for signs in before.values())


def test_epoch_flip_ratio_compares_the_ends_of_epochs(digits):
    trainer = run(Trainer(recipe(), digits), 1)
    before = {name: w >= 0 for name, w in trainer.network.latent_weights().items()}
    line = trainer.run_epoch()
    after = {name: w >= 0 for name, w in trainer.network.latent_weights().items()}
    flips = sum(int((before[name] != after[name]).sum()) for name in before)
    assert line["epoch_flip_ratio"] == flips / sum(signs.numel() for signs in before.values())


@pytest.mark.wide
@for_each("network", ["conv", "residual"])
def test_maps_are_learnt_and_resumed(digits, tmp_path, network):
    chosen = recipe(network=network, hidden=(8, 12, 12), epochs=4, rate_penalty=0.0)
    whole = run(Trainer(chosen, digits))
    save_checkpoint(tmp_path / "c", run(Trainer(chosen, digits), 2).state())
    resumed = run(Trainer(chosen, digits, load_checkpoint(tmp_path / "c")))
    assert torch.equal(parameters(whole), parameters(resumed))
    assert whole.test()["accuracy"] > 0.5
    rates = whole.history[-1]["rates"]
    spikes = whole.history[-1]["spikes_per_inference"]
    assert spikes["conv1"] == pytest.approx(rates["conv1"] * chosen.timesteps * 8 * 4 * 4)
    assert "conv1" in whole.history[-1]["gates"]


@pytest.mark.wide
def test_a_rate_penalty_makes_spikes_rare(digits):
    free, frugal = (run(Trainer(recipe(rate_penalty=mu), digits)).test() for mu in (0.0, 3.0))
    assert (sum(frugal["spikes_per_inference"].values())
            < 0.6 * sum(free["spikes_per_inference"].values()))


@pytest.mark.wide
def test_shifts_and_smooth_labels_are_learnt_and_resumed(digits, tmp_path):
    chosen = recipe(shift=1, flips=True, label_smoothing=0.1)
    whole = run(Trainer(chosen, digits))
    save_checkpoint(tmp_path / "c", run(Trainer(chosen, digits), 2).state())
    resumed = run(Trainer(chosen, digits, load_checkpoint(tmp_path / "c")))
    assert torch.equal(parameters(whole), parameters(resumed))
    # Smooth labels hold the loss above their own entropy.
    assert whole.history[-1]["loss"] > 0.3
    assert whole.history[-1]["loss"] < whole.history[0]["loss"]


def twin_of(chosen, digits):
    return run(Trainer(dataclasses.replace(chosen, weights="real", distillation=0.0),
                       digits)).state()


@pytest.mark.wide
def test_a_network_learns_from_its_twin_alone(digits):
    chosen = recipe(epochs=6, distillation=1.0)
    twin = twin_of(chosen, digits)
    # Labels that say nothing: all that can be learnt comes from the twin.
    blind = dataclasses.replace(digits, train_y=np.zeros_like(digits.train_y))
    assert run(Trainer(chosen, blind, twin=twin)).test()["accuracy"] > 0.85


@pytest.mark.wide
def test_a_resumed_pupil_is_bit_for_bit_uninterrupted(digits, tmp_path):
    chosen = recipe(distillation=0.5)
    twin = twin_of(chosen, digits)
    whole = run(Trainer(chosen, digits, twin=twin))
    save_checkpoint(tmp_path / "c", run(Trainer(chosen, digits, twin=twin), 2).state())
    resumed = run(Trainer(chosen, digits, load_checkpoint(tmp_path / "c"), twin))
    assert torch.equal(parameters(whole), parameters(resumed))


def test_a_teacher_must_be_the_trained_twin(digits):
    chosen = recipe(distillation=0.5)
    with pytest.raises(InputError, match="twin: must be given with distillation, none is"):
        Trainer(chosen, digits)
    other = Trainer(recipe(weights="real", epochs=3), digits).state()
    with pytest.raises(InputError, match="twin: must have this recipe with real weights, its "
                                         "epochs is 3, not 4; train it"):
        Trainer(chosen, digits, twin=other)
    unfit = twin_of(chosen, digits)
    unfit["network"].popitem()
    with pytest.raises(InputError, match="twin: its tensors must fit its recipe"):
        Trainer(chosen, digits, twin=unfit)
    with pytest.raises(InputError, match="twin: must come with a share of the loss"):
        Trainer(recipe(), digits, twin=unfit)
    early = Trainer(recipe(weights="real"), digits).state()
    with pytest.raises(InputError, match="twin: must have ended its 4 epochs, it ended 0"):
        Trainer(chosen, digits, twin=early)


def test_latent_weights_stay_within_one(digits):
    trainer = run(Trainer(recipe(learning_rate=0.5, epochs=1), digits))
    for weight in trainer.network.latent_weights().values():
        assert weight.abs().max() <= 1


@for_each("changes, message", [
    ({"validation": 1437}, "validation: must leave at least one batch of 64, leaves 0 of 1437"),
    ({"batch": 5000}, "validation: must leave at least one batch of 5000, leaves 1237"),
])
def test_splits_that_leave_nothing(digits, changes, message):
    with pytest.raises(InputError, match=message):
        Trainer(recipe(**changes), digits)


def test_a_gpu_that_is_not_there(digits, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="device: cuda must be usable, found none; use"):
        Trainer(recipe(device="cuda"), digits)


def test_a_loss_that_explodes(digits):
    trainer = Trainer(recipe(), digits)
    trainer.network.readout.norm.bias.data[:] = float("nan")
    with pytest.raises(InputError, match=r"epoch 1, step 1: the loss must be finite, is nan; "
                       r"the first .*: readout\.norm\.bias; lower `learning_rate`"):
        trainer.run_epoch()


def test_a_layer_that_explodes_is_named_with_its_step(digits):
    trainer = Trainer(recipe(), digits)
    trainer.run_epoch()
    clip, calls = trainer.network.clip, []

    def poison():
        clip()
        calls.append(None)
        if len(calls) == 2:
            trainer.network.hidden["fc1"].gate.alpha.data[0] = float("nan")

    trainer.network.clip = poison
    with pytest.raises(InputError, match=r"epoch 2, step 2: weights must be finite; .*: "
                       r"fc1\.gate\.alpha;"):
        trainer.run_epoch()


def test_a_checkpoint_of_another_network(digits):
    state = Trainer(recipe(hidden=(5,)), digits).state()
    with pytest.raises(InputError, match="checkpoint: its tensors must fit its recipe"):
        Trainer(recipe(), digits, state)


def test_every_epoch_has_its_own_order(digits, monkeypatch):
    seen, step = [], Trainer._step

    def recording(self, inputs, labels):
        seen.append(labels.tolist())
        return step(self, inputs, labels)

    monkeypatch.setattr(Trainer, "_step", recording)
    trainer = run(Trainer(recipe(epochs=2), digits))
    first, second = seen[:trainer._batches], seen[trainer._batches:]
    assert first[0] != second[0]
    assert len(first) == len(second) == (1437 - 200) // 64


@pytest.mark.wide
def test_equal_gates_leave_the_leak_a_shift(digits, tmp_path):
    import bsnn_hw
    from bsnn_hw.layout.timing import leak_shift
    from bsnn_hw.nn import save_model

    shifts = {}
    for ratios in ("free", "equal"):
        trainer = Trainer(recipe(gate_ratios=ratios), digits)
        trainer.run_epoch()
        save_model(tmp_path / f"{ratios}.pt", trainer.network,
                   input={"shape": [64], "bits": 4, "scale": 1 / 15})
        network = bsnn_hw.lower(bsnn_hw.load(tmp_path / f"{ratios}.pt"))
        neurons = [layer.neuron for layer in network.network.layers[:-1]]
        shifts[ratios] = [leak_shift(each.leak, each.leak_bits) for each in neurons]
    assert shifts["equal"] == [1] * len(shifts["equal"])
    assert None in shifts["free"]
