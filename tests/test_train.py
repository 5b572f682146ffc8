"""The command: files, exit codes, interruption, one line per mistake."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from bsnn_hw import train
from bsnn_hw.model.format import load
from tests.for_each import for_each, quick
from tests.interrupts import hear_ctrl_c

SMALL = ["digits", "--hidden", "16,12", "--epochs", "3", "--batch", "64"]


def test_a_run_leaves_model_and_log(tmp_path, capsys):
    out = tmp_path / "m.pt"
    assert train.main([*SMALL, "--seed", "5", "--out", str(out)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.jsonl", "m.pt"]
    model = load(out)
    assert [layer.synapse.weight.shape for layer in model.layers] == [(16, 64), (12, 16), (10, 12)]
    assert model.input.bits == 4
    assert model.timesteps == 4
    recipe, *epochs, test = map(json.loads, (tmp_path / "m.jsonl").read_text().splitlines())
    assert recipe["recipe"]["seed"] == 5
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    stored = torch.load(out, weights_only=True)["recipe"]
    assert stored["hidden"] == [16, 12]
    assert stored["test_accuracy"] == test["test"]["accuracy"]
    shown = capsys.readouterr().out
    assert "64-16-12-10, 1,336 binary weights, T = 4, gate agmm, seed 5" in shown
    assert shown.count("π ") == 3
    assert "firing fc1 " in shown
    assert "of 360 samples" in shown


@for_each("options", [["--coding", "events"], ["--gate", "none", "--leak", "1"],
                                     ["--reset", "soft", "--bits", "2", "--timesteps", "1"]])
def test_every_kind_of_network_is_a_legal_model(tmp_path, options):
    out = tmp_path / "m.pt"
    assert train.main([*SMALL[:-3], "1", "--out", str(out), *options]) == 0
    load(out)


@pytest.mark.wide
def test_membranes_of_few_bits_are_told_of(tmp_path, capsys):
    out = tmp_path / "m.pt"
    assert train.main([*SMALL, "--membrane-bits", "11", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "membranes without fraction bits: fc1 1" in said and " bits, fc2 6 bits" in said
    line = json.loads((tmp_path / "m.jsonl").read_text().splitlines()[-2])
    assert list(line["membrane_bits"]) == ["fc1", "fc2"]


@quick(1, wide=None)
@for_each("coding", ["direct", "events"])
def test_inputs_that_are_left_out_are_in_no_model(tmp_path, capsys, coding):
    from bsnn_hw.model.real import run
    from bsnn_hw.samples import find_samples, shape_of

    out = tmp_path / "m.pt"
    assert train.main([*SMALL, "--inputs-used", "20", "--coding", coding, "--out", str(out)]) == 0
    assert "digits 20-16-12-10, 632 binary weights" in capsys.readouterr().out
    model, stored = load(out), torch.load(out, weights_only=True)
    assert stored["input"]["shape"] == [64] and len(stored["input"]["used"]) == 20
    assert model.layers[0].synapse.weight.shape == (16, 20)
    found = find_samples(shape_of(model), "digits", tmp_path, data=None, data_dir=None)
    right = (run(model, found.test, keep=()).classes == found.labels).mean()
    assert right == pytest.approx(stored["recipe"]["test_accuracy"])


@for_each("network, hidden", [("conv", "3,4,5"), ("residual", "3,3,4")])
def test_networks_of_maps(tmp_path, capsys, network, hidden):
    out = tmp_path / "m.pt"
    assert train.main(["digits", "--network", network, "--hidden", hidden, "--epochs", "1",
                       "--out", str(out)]) == 0
    layers = load(out).layers
    assert layers[0].name == "conv1"
    stored = torch.load(out, weights_only=True)
    assert stored["recipe"]["network"] == network
    assert stored["input"]["shape"] == [1, 8, 8]
    assert f"digits {network} 1x8x8-{hidden.replace(',', '-')}-10, " in capsys.readouterr().out


def test_patches_that_lie_side_by_side(tmp_path):
    out = tmp_path / "m.pt"
    assert train.main(["digits", "--network", "conv", "--hidden", "3,4,5", "--kernels", "2/2,3",
                       "--epochs", "1", "--out", str(out)]) == 0
    synapses = [layer.synapse for layer in load(out).layers]
    assert [synapse.weight.shape[2:] for synapse in synapses[:2]] == [(2, 2), (3, 3)]
    assert train.main(["--resume", str(out.with_suffix(".checkpoint")), "--kernels", "4/4,3"]) != 0


@quick(2, wide=None)
@for_each("network, options", [("fc", []), ("recurrent", []), ("recurrent", ["--gate", "agmm"]),
                               ("conv", ["--hidden", "3,4,5"]), ("residual", [])])
@for_each("bits", ["1", "3"])
def test_weights_of_few_bits(tmp_path, capsys, network, options, bits):
    out = tmp_path / "m.pt"
    assert train.main(["digits", "--network", network, "--hidden", "5,4", "--timesteps", "2",
                       "--epochs", "1", "--weight-bits", bits, *options, "--out", str(out)]) == 0
    assert f" {'binary' if bits == '1' else '3-bit'} weights, " in capsys.readouterr().out
    model = load(out)
    stored = torch.load(out, weights_only=True)
    assert {layer.get("weight_bits", 1) for layer in stored["layers"]} == {int(bits)}
    assert any(layer.shortcuts for layer in model.layers) == (network in ("recurrent", "residual"))
    assert stored["recipe"].get("weight_bits", 1) == int(bits)


@for_each("network, hidden", [("fc", "9,8"), ("conv", "3,4,5"),
                                                 ("residual", "3,3,4")])
def test_eight_bits_at_the_ends(tmp_path, network, hidden):
    out = tmp_path / "m.pt"
    assert train.main(["digits", "--network", network, "--hidden", hidden, "--epochs", "1",
                       "--weights", "int8-ends", "--out", str(out)]) == 0
    synapses = [layer.synapse for layer in load(out).layers]
    assert [synapse.weight_bits for synapse in synapses] == [8, *[1] * (len(synapses) - 2), 8]
    log = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    assert "readout" not in log[1]["flip_ratios"], "only signs flip"


@pytest.mark.wide
def test_a_twin_of_real_weights_leaves_no_model(tmp_path, capsys):
    out = tmp_path / "m.pt"
    assert train.main([*SMALL, "--weights", "real", "--out", str(out)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.checkpoint", "m.jsonl"]
    shown = capsys.readouterr().out
    assert "1,336 real weights" in shown
    assert "no model: real weights are to compare with and to learn from" in shown
    assert f"(--twin {tmp_path / 'm.checkpoint'})" in shown


@pytest.mark.wide
def test_a_binary_network_learns_from_its_twin(tmp_path, capsys):
    twin, out = tmp_path / "t.pt", tmp_path / "m.pt"
    assert train.main([*SMALL, "--weights", "real", "--out", str(twin)]) == 0
    taught = [*SMALL, "--distillation", "0.5", "--out", str(out)]
    assert train.main([*taught, "--twin", str(twin.with_suffix(".checkpoint"))]) == 0
    assert torch.load(out, weights_only=True)["recipe"]["distillation"] == 0.5
    assert train.main([*taught, "--force", "--twin", str(out)]) == 1
    assert "m.pt: must be a training checkpoint" in capsys.readouterr().err
    assert train.main([*taught, "--force"]) == 1
    assert "twin: must be given with distillation" in capsys.readouterr().err


@pytest.mark.wide
def test_an_interrupted_run_continues_to_the_same_bytes(tmp_path, monkeypatch, capsys):
    from bsnn_hw.nn.training import Trainer

    whole, resumed = tmp_path / "a" / "m.pt", tmp_path / "b" / "m.pt"
    assert train.main([*SMALL, "--out", str(whole)]) == 0
    step, count = Trainer._step, iter(range(1000))

    def interrupted(self, *arguments):
        if next(count) == 30:  # in the middle of the second epoch of 19 steps
            raise KeyboardInterrupt
        return step(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_step", interrupted)
        assert train.main([*SMALL, "--out", str(resumed)]) == 130
    checkpoint = resumed.with_suffix(".checkpoint")
    assert f"interrupted; continue with --resume {checkpoint}" in capsys.readouterr().err
    assert not resumed.exists()
    assert train.main(["--resume", str(checkpoint)]) == 0
    assert resumed.read_bytes() == whole.read_bytes()
    assert (resumed.with_suffix(".jsonl").read_bytes() == whole.with_suffix(".jsonl").read_bytes())


def test_an_interruption_before_the_first_checkpoint(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bsnn_hw.nn.data.load", interrupted)
    assert train.main([*SMALL, "--out", str(tmp_path / "m.pt")]) == 130
    assert "bsnn_hw.train: interrupted; start again\n" in capsys.readouterr().err


@pytest.mark.wide
def test_a_real_ctrl_c_leaves_a_checkpoint(tmp_path):
    out = tmp_path / "m.pt"
    command = [sys.executable, "-m", "bsnn_hw.train", "digits", "--epochs", "5000",
               "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          preexec_fn=hear_ctrl_c) as process:
        while not out.with_suffix(".jsonl").exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert out.with_suffix(".checkpoint").exists()
    assert not out.exists()


@for_each("arguments, message", [
    ([], "dataset: must be one of digits, fashion-mnist, mnist, cifar-10, cifar-100, "
         "an .npz file of samples, or --resume, none given"),
    (["mnist", "--data-dir", "nowhere"], "mnist: the files train-images"),
    (["digits", "--leak", "2"], r"leak: must be in (0, 1], not 2.0; change --leak"),
    (["digits", "--inputs-used", "65"], "inputs_used: must be at most the 64 values of a sample"),
    (["digits", "--inputs-used", "20", "--network", "conv"],
     "inputs_used: must be 0 but for fc and recurrent, whose first layer is no convolution"),
    (["digits", "--membrane-bits", "10"], "membrane_bits: must be at least 11 for layer fc1, of 64 "
     "inputs up to 15, not 10; or take fewer --inputs-used, --hidden neurons, --bits or --times"),
    (["digits", "--membrane-bits", "12", "--network", "residual"],
     "membrane_bits: must be 0 but for fc and conv with constant gates, no real weights"),
    (["digits", "--weight-bits", "9"], "weight_bits: must be 1 to 8, not 9; change --weight-bits"),
    (["digits", "--network", "recurrent", "--gate", "agmm-sample"],
     "gate: must be agmm or none in a recurrent network, whose currents are added"),
    (["digits", "--resume", "nowhere.checkpoint"], "nowhere.checkpoint: must be a readable"),
    (["digits", "--out", "/dev/null/m.pt"], "must be writable"),
    (["digits", "--out", "m.txt"], "m.txt: the model file must end in .pt or .safetensors"),
])
def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert train.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("python -m bsnn_hw.train: ")
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@for_each("existing", ["m.pt", "m.checkpoint"])
def test_nothing_is_overwritten_without_force(tmp_path, capsys, existing):
    (tmp_path / existing).write_text("precious")
    assert train.main([*SMALL, "--out", str(tmp_path / "m.pt")]) == 1
    assert f"{existing}: must not exist yet; give another --out" in capsys.readouterr().err
    assert (tmp_path / existing).read_text() == "precious"
    assert train.main([*SMALL, "--out", str(tmp_path / "m.pt"), "--force"]) == 0


def test_a_resumed_run_keeps_its_recipe(tmp_path, capsys):
    from bsnn_hw.nn.data import load as load_data
    from bsnn_hw.nn.files import save_checkpoint
    from bsnn_hw.nn.recipe import default_recipe
    from bsnn_hw.nn.training import Trainer

    path = tmp_path / "m.checkpoint"
    trainer = Trainer(default_recipe("digits", hidden=(4,), epochs=1), load_data("digits"))
    save_checkpoint(path, trainer.state())
    assert train.main(["--resume", str(path), "--epochs", "9"]) == 1
    assert "epochs must stay 1 when a run is resumed, not 9" in capsys.readouterr().err
    assert train.main(["mnist", "--resume", str(path)]) == 1
    assert "dataset must stay 'digits'" in capsys.readouterr().err


@for_each("arguments", [["cifar"], ["digits", "--hidden", "8,x"]])
def test_usage_mistakes_exit_with_two(arguments):
    with pytest.raises(SystemExit) as caught:
        train.main(arguments)
    assert caught.value.code == 2


@for_each("flags, said", [
    (["-q"], []),
    (["-v"], ["digits read: ", "epoch 1 of 1: ", "360 test samples classified: "])])
def test_progress_is_as_asked_for(tmp_path, capsys, flags, said):
    """Whole lines on stderr, as of every verb; what the run found is on stdout."""
    assert train.main([*SMALL[:-4], "--epochs", "1", "--out", str(tmp_path / "m.pt"), *flags]) == 0
    shown = capsys.readouterr()
    ends = [line for line in shown.err.splitlines() if not line.endswith(" ...")]
    assert [line[:len(words)] for line, words in zip(ends, said, strict=True)] == said
    assert "\r" not in shown.err
    assert shown.out.count("epoch ") == 1


def test_help_does_not_load_torch():
    code = ("import sys\nfrom bsnn_hw import train\n"
            "try: train.main(['--help'])\nexcept SystemExit: pass\n"
            "assert 'torch' not in sys.modules")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "usage: python -m bsnn_hw.train" in result.stdout
