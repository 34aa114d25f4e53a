"""One ONNX graph, with its input types, fixed batch and outputs handled as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

_DTYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


@dataclass(frozen=True)
class Port:
    """An input or output of a graph; an axis whose length is free is None."""

    name: str
    dtype: type[np.generic]
    shape: tuple[int | None, ...]


class Session:
    """Run one ONNX graph on the CPU. Safe to call from many threads.

    `threads` is the number of threads of one run, 0 for all cores. Raises ModelError for a file
    that ONNX Runtime cannot open.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        # Imported here: status and search over HTTP never need it.
        import onnxruntime  # type: ignore[import-untyped]  # it ships no types

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        # Waiting threads that spin would steal the cores from the decoders beside them.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.path = path
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no base class but Exception
            raise ModelError(f"{path} cannot be opened as an ONNX model: {error}") from error
        # A combined graph holds both towers; only the one asked for is to run.
        self._options = onnxruntime.RunOptions()
        self._options.only_execute_path_to_fetches = True
        self.inputs = {port.name: port for port in map(_port, self._session.get_inputs())}
        self.outputs = {port.name: port for port in map(_port, self._session.get_outputs())}

    def run(self, feeds: Mapping[str, NDArray[Any]], output: str) -> Vectors:
        """Run the graph on a batch; return one output as float32 [n, dim].

        Feeds are cast to the types the graph wants. A graph with a fixed batch is run as often as
        needed. Inputs that are not fed (the other tower's) get one blank row.
        """
        first, value = next(iter(feeds.items()))
        fixed = self.fixed_batch(first)
        step = fixed or max(len(value), 1)
        parts = [
            self._run_once({k: v[at : at + step] for k, v in feeds.items()}, output, fixed)
            for at in range(0, len(value), step)
        ]
        return np.concatenate(parts) if len(parts) != 1 else parts[0]

    def fixed_batch(self, name: str) -> int | None:
        """Return the only batch size that an input accepts, or None for any."""
        shape = self.inputs[name].shape
        return shape[0] if shape else None

    def pick_output(self, preferred: Sequence[str]) -> Port:
        """Choose the output that holds the vectors: by name, or the only one of two axes.

        Raises ModelError, listing the outputs, when none can be told.
        """
        for name in preferred:
            if name in self.outputs:
                return self.outputs[name]
        flat = [port for port in self.outputs.values() if len(port.shape) == 2]
        if len(flat) == 1:
            return flat[0]
        wanted = " or ".join(preferred) or "exactly one with one vector a row"
        raise ModelError(f"{self.path} has the outputs {', '.join(self.outputs)}; wanted {wanted}")

    def cast(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Cast feeds to the types that the graph wants."""
        return {
            name: np.ascontiguousarray(value, dtype=self.inputs[name].dtype)
            for name, value in feeds.items()
        }

    def _run_once(
        self, feeds: Mapping[str, NDArray[Any]], output: str, fixed: int | None
    ) -> Vectors:
        rows = len(next(iter(feeds.values())))
        if fixed and rows < fixed:
            feeds = {k: _fill(v, fixed) for k, v in feeds.items()}
        blank = {name: _blank(port) for name, port in self.inputs.items() if name not in feeds}
        try:
            [result] = self._session.run([output], {**blank, **self.cast(feeds)}, self._options)
        except Exception as error:  # its exceptions share no base class but Exception
            raise ModelError(f"{self.path} failed to run: {error}") from error
        found = np.asarray(result)[:rows]
        return found.reshape(rows, -1).astype(np.float32, copy=False)


def _port(value: Any) -> Port:
    dtype = _DTYPES.get(value.type)
    if dtype is None:
        raise ModelError(f"the model's {value.name!r} has the type {value.type}, which is unknown")
    axes = tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in value.shape)
    return Port(value.name, dtype, axes)


def _blank(port: Port) -> NDArray[Any]:
    return np.zeros([axis or 1 for axis in port.shape], dtype=port.dtype)


def _fill(value: NDArray[Any], rows: int) -> NDArray[Any]:
    """Repeat the last row until there are enough."""
    return np.concatenate([value, np.repeat(value[-1:], rows - len(value), axis=0)])
