"""Run the tutorial notebook without a browser, say what it did, and leave it as a page: `make demo`."""

import os
import sys
from pathlib import Path

# The kernel of this environment, whatever else the user has installed.
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter

NOTEBOOK = Path(__file__).with_name("delete_user.ipynb")
SECONDS_PER_CELL = 300  # the first start unpacks Milvus


def run(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook; an error in a cell that isn't marked as expecting one is raised."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        # A page cannot use forms: with their state kept it would show nothing where it should say what they are.
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
        # A kernel for one run on one machine: its warning about unencrypted ports is noise here.
        extra_arguments=["--Application.log_level=40"],
    )
    return client.execute()


def told(notebook: nbformat.NotebookNode) -> list[str]:
    """Each code cell with what it answered, as text."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            answers = [text for output in _joined(cell.outputs) if (text := _text(output))]
            texts.append("\n".join([*(f">>> {line}" for line in cell.source.splitlines()), *answers]))
    return texts


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs, with pieces of one stream put together: a kernel does not send them by the line."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output.output_type == "stream" == last.get("output_type") and output.name == last["name"]:
            joined[-1] = nbformat.NotebookNode(last, text=last["text"] + output.text)
        else:
            joined.append(output)
    return joined


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text.rstrip()
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return output.data.get("text/plain", "")


def main() -> None:
    """Run the notebook, print what it did, write the page."""
    directory = Path(sys.argv[1])
    notebook = run(NOTEBOOK)
    print("\n\n".join(told(notebook)))
    page, _ = HTMLExporter().from_notebook_node(notebook)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / NOTEBOOK.with_suffix(".html").name
    target.write_text(page, encoding="utf-8")
    print(f"\nA real Milvus was started, users were created and deleted on it, and it has ended. The page: {target}")


if __name__ == "__main__":
    main()
