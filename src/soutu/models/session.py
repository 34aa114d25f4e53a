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

    def __init__(self, path: Path, *, outputs: Sequence[str] = (), threads: int = 0) -> None:
        # Imported here: status and search over HTTP never need it.
        import onnxruntime

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
        self.output = self._pick_output(outputs)

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Vectors:
        """Run the graph on a batch; return its chosen output as float32 [n, dim].

        Feeds are cast to the types the graph wants. A graph with a fixed batch is run as often as
        needed. Inputs that are not fed (the other tower's) get one blank row.
        """
        rows = len(next(iter(feeds.values())))
        fixed = self.fixed_batch(next(iter(feeds)))
        step = fixed or max(rows, 1)
        parts = [
            self._run_once({k: v[at : at + step] for k, v in feeds.items()}, step if fixed else 0)
            for at in range(0, rows, step)
        ]
        return np.concatenate(parts) if len(parts) != 1 else parts[0]

    def fixed_batch(self, name: str) -> int | None:
        """Return the only batch size that an input accepts, or None for any."""
        shape = self.inputs[name].shape
        return shape[0] if shape else None

    def _run_once(self, feeds: Mapping[str, NDArray[Any]], fixed: int) -> Vectors:
        rows = len(next(iter(feeds.values())))
        cast = {name: self._cast(name, value, fixed) for name, value in feeds.items()}
        blank = {name: _blank(port) for name, port in self.inputs.items() if name not in cast}
        try:
            [result] = self._session.run([self.output.name], {**blank, **cast}, self._options)
        except Exception as error:  # its exceptions share no base class but Exception
            raise ModelError(f"{self.path} failed to run: {error}") from error
        found = np.asarray(result)[:rows]
        return found.reshape(rows, -1).astype(np.float32, copy=False)

    def _cast(self, name: str, value: NDArray[Any], fixed: int) -> NDArray[Any]:
        if fixed and len(value) < fixed:
            value = np.concatenate([value, np.repeat(value[-1:], fixed - len(value), axis=0)])
        return np.ascontiguousarray(value, dtype=self.inputs[name].dtype)

    def _pick_output(self, preferred: Sequence[str]) -> Port:
        ports = {port.name: port for port in map(_port, self._session.get_outputs())}
        for name in preferred:
            if name in ports:
                return ports[name]
        flat = [port for port in ports.values() if len(port.shape) == 2]
        if len(flat) == 1 and (not preferred or len(ports) == 1):
            return flat[0]
        if len(ports) == 1 and not preferred:
            return next(iter(ports.values()))
        wanted = " or ".join(preferred) or "one vector a row"
        raise ModelError(f"{self.path} gives {', '.join(ports)}; wanted {wanted}")


def _port(value: Any) -> Port:
    dtype = _DTYPES.get(value.type)
    if dtype is None:
        raise ModelError(f"the model's {value.name!r} has the type {value.type}, which is unknown")
    axes = tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in value.shape)
    return Port(value.name, dtype, axes)


def _blank(port: Port) -> NDArray[Any]:
    return np.zeros([axis or 1 for axis in port.shape], dtype=port.dtype)
