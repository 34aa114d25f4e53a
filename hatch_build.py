"""Build step: turn the .proto file into Python, beside it; the result is not in the repository.

Also runs by itself, in a checkout: python hatch_build.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself
    BuildHookInterface = object  # type: ignore[assignment,misc]

PROTO = Path("src/soutu/web/rpc/soutu.proto")


class ProtoHook(BuildHookInterface):  # type: ignore[misc]  # hatchling ships no types for mypy here
    """Run protoc before files are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Generate, and say that what was generated belongs to the package."""
        made = generate(Path(self.root))
        build_data["artifacts"] += [str(each.relative_to(self.root)) for each in made]


def generate(root: Path) -> list[Path]:
    """Write soutu_pb2.py, its types and soutu_pb2_grpc.py; return where they are."""
    from grpc_tools import protoc

    folder = (root / PROTO).parent
    code = protoc.main(
        ["protoc", f"-I{folder}", f"--python_out={folder}", f"--pyi_out={folder}",
         f"--grpc_python_out={folder}", str(root / PROTO)]
    )  # fmt: skip
    if code:
        raise SystemExit(f"protoc ended with {code}")
    stub = folder / "soutu_pb2_grpc.py"
    # protoc imports the module as if it lay at the top.
    text = re.sub(
        r"^import soutu_pb2", "from soutu.web.rpc import soutu_pb2", stub.read_text(), flags=re.M
    )
    stub.write_text(text)
    return [folder / name for name in ("soutu_pb2.py", "soutu_pb2.pyi", "soutu_pb2_grpc.py")]


if __name__ == "__main__":
    sys.stdout.write("\n".join(map(str, generate(Path(__file__).parent))) + "\n")
