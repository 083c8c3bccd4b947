"""Executes a notebook with a kernel and says cell by cell what happens.

Usage: run_notebook.py NOTEBOOK FOLDER KERNEL [FIRST]

FIRST is code that is run before the notebook's. Writes the executed copy as .ipynb and .html into FOLDER, also after a
failure. The exit status is 1 if a cell failed. evcxr's own kernel reports panics and errors that left through `?` as success,
so everything that a cell writes to its standard error counts as a failure, unless it is known to be harmless.
"""

import asyncio
import pathlib
import queue
import re
import signal
import sys
import time

CELL_TIMEOUT = 45 * 60  # seconds; the first cell compiles the crate and all that it depends on
START_TIMEOUT = 10 * 60
SLOW_CELL = 30  # seconds without a word after which we say that the cell still runs
HARMLESS = re.compile(r"\s*$|\[W\d")  # nothing, or a warning of libtorch
OURS = "psychrnn"  # the kernel whose cells have ended when it says so
MARK = "psychrnn: end of cell"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def trouble(outputs):
    """What in the outputs of a cell says that it failed, or an empty string.

    >>> out = lambda name, text: {"output_type": "stream", "name": name, "text": text}
    >>> trouble([out("stdout", "loss 0.1"), out("stderr", "[W1121 init.cpp:8] Warning: no NNPACK\\n")])
    ''
    >>> trouble([out("stderr", "thread '<unnamed>' panicked at src/lib.rs:1:2:\\nno\\n")])
    "thread '<unnamed>' panicked at src/lib.rs:1:2:\\nno"
    >>> trouble([out("stderr", "`units` must be at least 1, but it is 0\\n")])
    '`units` must be at least 1, but it is 0'
    >>> trouble([{"output_type": "display_data", "data": {"text/plain": "Figure { title: \\"\\" }"}}])
    'a figure is shown as text: the last expression uses up a variable of its cell'
    >>> trouble([{"output_type": "error", "ename": "Error", "evalue": "cannot find `x`", "traceback": []}])
    'cannot find `x`'
    """
    found = []
    for output in outputs:
        if output["output_type"] == "error":
            found.append("\n".join(output["traceback"]) or output["evalue"] or output["ename"])
        elif output["output_type"] == "stream" and output["name"] == "stderr":
            found += [line for line in output["text"].splitlines() if not HARMLESS.match(line)]
        elif "data" in output and output["data"].get("text/plain", "").startswith("Figure {"):
            found.append("a figure is shown as text: the last expression uses up a variable of its cell")
    return "\n".join(found).strip()


def indented(text):
    text = text if sys.stdout.isatty() else COLOUR.sub("", text)
    return "\n".join("    " + line for line in text.splitlines())


def run(notebook, folder, kernel, first=""):
    import nbformat
    from jupyter_core.utils import ensure_async
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbconvert import HTMLExporter

    class Client(NotebookClient):
        """A client that shows the lines of a cell as they come."""

        def process_message(self, message, cell, index):
            content = message["content"]
            if message["msg_type"] == "stream":
                print(indented(content["text"]), flush=True)
            elif message["msg_type"] in ("display_data", "execute_result"):
                kinds = ", ".join(kind for kind in content["data"] if kind != "text/plain")
                print(indented(f"[{kinds}]" if kinds else content["data"]["text/plain"]), flush=True)
            return super().process_message(message, cell, index)

    async def execute(document):
        client = Client(
            document,
            kernel_name=kernel,
            timeout=CELL_TIMEOUT,
            startup_timeout=START_TIMEOUT,
            store_widget_state=False,
            resources={"metadata": {"path": str(notebook.parent)}},
        )
        cells = [(i, cell) for i, cell in enumerate(document.cells) if cell.cell_type == "code" and cell.source.strip()]
        async with client.async_setup_kernel():
            # nbclient would only stop the kernel on Ctrl-C; we want to stop, and the kernel with us.
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
            if first:
                await ensure_async(client.kc.execute_interactive(first, timeout=START_TIMEOUT))
            for number, (index, cell) in enumerate(cells, 1):
                print(f"  cell {number} of {len(cells)}: {cell.source.splitlines()[0][:90]}", flush=True)
                start = time.monotonic()
                failure = ""
                reminder = asyncio.create_task(remind(number))
                try:
                    await client.async_execute_cell(cell, index)
                    if kernel != OURS and not trouble(cell.outputs):
                        await late_output(client, cell)
                except CellExecutionError:
                    pass  # the cell's outputs say it
                except CellTimeoutError:
                    failure = f"the cell did not end within {CELL_TIMEOUT} s"
                except (DeadKernelError, queue.Empty) as error:
                    failure = f"the kernel died or fell silent. {error}"
                finally:
                    reminder.cancel()
                for numbered in [cell, *(o for o in cell.outputs if "execution_count" in o)]:
                    numbered["execution_count"] = number  # the marks were counted too
                failure = "\n".join(filter(None, [trouble(cell.outputs), failure]))
                print(f"  cell {number} of {len(cells)}: {time.monotonic() - start:.1f} s", flush=True)
                if failure:
                    return number, cell.source, failure
        return None

    async def late_output(client, cell):
        """Adds to a cell what the kernel passes on only after it said that the cell has ended.

        An error that left through `?` arrives so. Lines keep their order, so we let the kernel print a mark and take all
        that comes before it.
        """
        client.kc.execute(f'println!("{MARK}"); eprintln!("{MARK}");')
        waiting = {"stdout", "stderr"}
        while waiting:
            message = await ensure_async(client.kc.iopub_channel.get_msg(timeout=START_TIMEOUT))
            if message["msg_type"] == "error":
                raise DeadKernelError("\n".join(message["content"]["traceback"]))
            if message["msg_type"] == "stream":
                name, text = message["content"]["name"], message["content"]["text"]
                if MARK in text:
                    waiting.discard(name)
                else:
                    print(indented(text), flush=True)
                    cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))

    async def remind(number):
        start = time.monotonic()
        while True:
            await asyncio.sleep(SLOW_CELL)
            print(f"  cell {number} still runs after {time.monotonic() - start:.0f} s", flush=True)

    document = nbformat.read(notebook, as_version=4)
    failed = asyncio.run(execute(document))
    copy = folder / notebook.name
    nbformat.write(document, copy)
    page, _ = HTMLExporter().from_notebook_node(document, {"metadata": {"name": notebook.stem}})
    copy.with_suffix(".html").write_text(page, encoding="utf-8")
    print(f"  executed copy: {copy} and {copy.stem}.html")
    if failed:
        number, source, failure = failed
        sys.exit(f"cell {number} of {notebook} failed:\n\n{indented(source)}\n\nIt said:\n\n{indented(failure)}\n")


if __name__ == "__main__":
    try:
        run(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:])
    except KeyboardInterrupt:
        sys.exit("interrupted")
