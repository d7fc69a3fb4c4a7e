"""Compile the ``.proto`` files of this directory into ``descriptors.binpb``.

Run ``python -m milvus_magics.wire.regenerate`` after an edit of a ``.proto`` file and commit the result.
It needs ``grpcio-tools``; nothing else in the package does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DESCRIPTORS = HERE / "descriptors.binpb"


def compiled(wire: Path = HERE) -> bytes:
    """The descriptor set of the ``.proto`` files as they are now, imports first.

    Args:
        wire: where they are; its grandparent is what their imports start from.

    Returns:
        The serialized ``FileDescriptorSet``, the same bytes for the same files.

    Raises:
        RuntimeError: when ``grpcio-tools`` is missing or a file doesn't compile; it carries protoc's words.
    """
    root = wire.parents[1]
    sources = sorted(path.relative_to(root).as_posix() for path in wire.glob("*.proto"))
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory, DESCRIPTORS.name)
        # A process of its own: protoc reports on the process's stderr, past Python.
        run = subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={root}", "--include_imports",
             f"--descriptor_set_out={target}", *sources],
            capture_output=True,
            text=True,
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(f"protoc (pip install grpcio-tools) failed: {run.stderr.strip()}")
        return target.read_bytes()


if __name__ == "__main__":
    DESCRIPTORS.write_bytes(compiled())
    print(f"wrote {DESCRIPTORS}")
