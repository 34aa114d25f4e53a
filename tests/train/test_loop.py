"""The training loop: losses fall, the best epoch is kept, a resumed run is the same run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from train_data import Made, made

from soutu.errors import InputError
from soutu.metrics import mean_average_precision
from soutu.train.examples import Examples
from soutu.train.loop import History, learning_rate, logits_of, train, validate
from soutu.train.losses import ASL, bce
from soutu.train.networks import LinearNetwork, MLPNetwork
from soutu.train.settings import Hard, Settings
from soutu.types import Progress

DIM, CLASSES = 16, 5


class Stopped(Exception):
    """What a test ends a run with."""


def mlp() -> MLPNetwork:
    torch.manual_seed(0)
    return MLPNetwork(DIM, CLASSES, hidden=16)


def examples(data: Made) -> Examples:
    return Examples(data.vectors, data.labels)


TRAINING = examples(made(300, unknown=0.2))
VALIDATION = examples(made(120, seed=1, unknown=0.2))


def run(
    network: nn.Module,
    settings: Settings,
    folder: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    training: Examples = TRAINING,
) -> History:
    return train(
        network,
        training,
        bce,
        settings,
        validation=VALIDATION,
        checkpoint=folder,
        on_progress=on_progress,
    )


def stop_after(epochs: int, settings: Settings) -> Callable[[Progress], None]:
    """End the run in the middle of the epoch after so many."""
    steps = -(-len(TRAINING) // settings.rows_of(len(TRAINING)))

    def watch(progress: Progress) -> None:
        if progress.done == epochs * steps + 2:
            raise Stopped

    return watch


def test_loss_falls() -> None:
    """Every head learns: the loss of the last epoch is far below that of the first."""
    settings = Settings(epochs=15, batch_size=32, patience=0, learning_rate=0.05)
    history = run(LinearNetwork(DIM, CLASSES), settings)
    assert history.losses[-1] < 0.7 * history.losses[0]
    assert history.figures[-1] > history.figures[0]


@pytest.mark.parametrize("hard", ["none", "reweight", "resample"])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_resumed_run_is_the_same_run(hard: Hard, ema: float, tmp_path: Path) -> None:
    """A run that was stopped in an epoch and resumed gives the same weights, bit for bit."""
    settings = Settings(epochs=5, batch_size=32, hard=hard, ema=ema, patience=0)
    whole = mlp()
    expected = run(whole, settings, tmp_path / "whole")
    broken = mlp()
    with pytest.raises(Stopped):
        run(broken, settings, tmp_path / "broken", stop_after(2, settings))
    torch.manual_seed(1234)  # what happens elsewhere does not matter
    resumed = MLPNetwork(DIM, CLASSES, hidden=16)
    history = run(resumed, settings, tmp_path / "broken")
    assert history == expected
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_checkpoints_do_not_change_training(tmp_path: Path) -> None:
    """A run with checkpoints gives what one without gives."""
    settings = Settings(epochs=3, batch_size=32)
    one, other = mlp(), mlp()
    assert run(one, settings) == run(other, settings, tmp_path / "run")
    assert all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


def test_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    """Resuming a finished run gives its weights at once."""
    settings = Settings(epochs=3, batch_size=32)
    first = mlp()
    expected = run(first, settings, tmp_path)
    seen: list[Progress] = []
    again = mlp()
    assert run(again, settings, tmp_path, seen.append) == expected
    assert seen == []
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))


def test_seed_decides(tmp_path: Path) -> None:
    """The same seed gives the same run; another one another run. Torch's own state stays."""
    before = torch.random.get_rng_state()
    results = []
    for seed in (0, 0, 1):
        network = LinearNetwork(DIM, CLASSES)
        run(network, Settings(epochs=2, batch_size=32, seed=seed))
        results.append(network.weight.detach().clone())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    assert torch.equal(before, torch.random.get_rng_state())


def test_early_stopping_keeps_the_best_epoch() -> None:
    """Training ends when validation stops getting better, with the best epoch's weights."""
    rng = np.random.default_rng(0)
    noise = Examples(TRAINING.inputs, rng.integers(0, 2, (300, CLASSES)).astype(np.int8))
    network = mlp()
    settings = Settings(epochs=200, batch_size=32, patience=4)
    history = run(network, settings, training=noise)
    assert len(history.losses) == history.best + 4 < 200
    assert history.figures[history.best - 1] == max(history.figures)
    assert validate(network, VALIDATION) == pytest.approx(max(history.figures), abs=1e-9)


def test_validation_ignores_unknown_labels() -> None:
    """The figure that decides counts known labels only."""
    network = LinearNetwork(DIM, CLASSES)
    nn.init.normal_(network.weight, generator=torch.Generator().manual_seed(3))
    scores = logits_of(network, VALIDATION.inputs)
    assert validate(network, VALIDATION) == mean_average_precision(scores, VALIDATION.labels)


def test_other_data_or_settings_are_refused(tmp_path: Path) -> None:
    """A checkpoint of other data, settings or network is refused, naming what differs."""
    settings = Settings(epochs=2, batch_size=32)
    run(mlp(), settings, tmp_path)
    changed = Examples(TRAINING.inputs, TRAINING.labels.copy())
    changed.labels[0, 0] = 1 - abs(changed.labels[0, 0])
    with pytest.raises(InputError, match="training data was"):
        run(mlp(), settings, tmp_path, training=changed)
    with pytest.raises(InputError, match="epochs was 2 and is 3"):
        run(mlp(), Settings(epochs=3, batch_size=32), tmp_path)
    with pytest.raises(InputError, match="network was MLPNetwork and is LinearNetwork"):
        run(LinearNetwork(DIM, CLASSES), settings, tmp_path)


def test_checkpoint_folder_holds_no_pickle(tmp_path: Path) -> None:
    """A checkpoint is one safetensors file and one JSON file."""
    run(mlp(), Settings(epochs=3, batch_size=32), tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["checkpoint.json", "epoch-3.safetensors"]
    assert json.loads((tmp_path / "checkpoint.json").read_text())["weights"] == names[1]


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    """A cut-off file is an error that says what to do, not a crash."""
    settings = Settings(epochs=1, batch_size=32)
    run(mlp(), settings, tmp_path)
    (tmp_path / "epoch-1.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"damaged.*Delete the folder"):
        run(mlp(), settings, tmp_path)


@pytest.mark.parametrize("hard", ["reweight", "resample"])
def test_hard_examples_get_more_say(hard: Hard) -> None:
    """With few odd examples among many easy ones, re-weighting lowers the loss of the odd ones."""
    rng = np.random.default_rng(0)
    easy = np.repeat(np.eye(8, dtype=np.float32)[:1], 380, axis=0)
    odd = np.eye(8, dtype=np.float32)[rng.integers(1, 3, 20)]
    vectors = np.concatenate([easy, odd]) + rng.normal(0, 0.05, (400, 8)).astype(np.float32)
    labels = np.concatenate([np.zeros((380, 1), np.int8), np.ones((20, 1), np.int8)])
    rest = []
    kinds: tuple[Hard, Hard] = ("none", hard)
    for kind in kinds:
        network = LinearNetwork(8, 1)
        settings = Settings(epochs=8, batch_size=50, learning_rate=0.05, hard=kind)
        train(network, Examples(vectors, labels), bce, settings)
        logits = torch.from_numpy(logits_of(network, vectors[380:]))
        rest.append(float(bce(logits, torch.ones(20, 1)).mean()))
    assert rest[1] < rest[0]


def test_average_follows_the_weights() -> None:
    """The running average of the weights is what is kept, and it differs from the weights."""
    plain, averaged = LinearNetwork(DIM, CLASSES), LinearNetwork(DIM, CLASSES)
    run(plain, Settings(epochs=3, batch_size=32))
    run(averaged, Settings(epochs=3, batch_size=32, ema=0.99))
    assert not torch.equal(plain.weight, averaged.weight)
    assert averaged.weight.norm() < plain.weight.norm()  # it began at 0 and lags behind


def test_masked_labels_change_nothing() -> None:
    """What stands behind an unknown label has no influence on a whole training."""
    results = []
    for fill in (0, 7):
        vectors = TRAINING.inputs.copy()
        vectors[:10] += fill
        labels = TRAINING.labels.copy()
        labels[:10] = -1
        network = LinearNetwork(DIM, CLASSES)
        train(network, Examples(vectors, labels), ASL(), Settings(epochs=2, batch_size=32))
        results.append(network.weight.detach().clone())
    assert torch.equal(*results)


def test_batches_fit_the_data() -> None:
    """Batches are a hundredth of the examples within limits, or what is asked for."""
    assert [Settings().rows_of(n) for n in (90, 5000, 1_000_000)] == [32, 50, 512]
    assert Settings(batch_size=7).rows_of(1_000_000) == 7


def test_learning_rate_rises_then_falls() -> None:
    """The rate climbs for a share of the steps and ends near 0."""
    settings = Settings(learning_rate=0.1, warmup=0.1)
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(0.1)
    assert rates[0] < 0.02
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"ema": 1.0}, {"hard": "some"}, {"learning_rate": -1.0}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    """A figure out of range is named."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]
