"""Measures what the user of a notebook waits for, and tries what must hold.

Usage: check_lab.py SETTINGS, a JSON object with `clone` (the path of the library), `changed` (a copy of it with another
source), `kernels` (the folder of kernels' folders), `release` (the command that runs the hello world's release build) and
`variables` (for that command).

Prints one line a finding; the last line is a JSON object with all of them.
"""

import glob
import json
import os
import statistics
import subprocess
import sys
import time

from jupyter_client.manager import KernelManager

KERNEL = "psychrnn"
PATIENCE = 20 * 60  # seconds; a kernel without a template compiles everything
TRAININGS = 9  # each way, in turns, since other programs may disturb both
TASK = "let task = PerceptualDiscrimination::default();"
NETWORK = "let mut network = Rnn::new(&task, RnnConfig::default().units(50).seed(1))?;"


class Kernel:
    """A kernel, and what it says."""

    def __init__(self, **variables):
        self.start = time.monotonic()
        self.manager = KernelManager(kernel_name=KERNEL)
        self.manager.kernel_spec.env.update(variables)  # the specification's win over those of the environment
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def send(self, code):
        return self.client.execute(code)

    def wait(self, request, on_output=None):
        """Waits for a cell. Gives its reply, its outputs, and the seconds from now."""
        start, outputs = time.monotonic(), []
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind in ("stream", "display_data", "update_display_data", "execute_result", "error"):
                outputs.append((kind, content, time.monotonic()))
                if on_output:
                    on_output(kind, content)
        seconds = time.monotonic() - start
        while True:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            if reply["parent_header"].get("msg_id") == request:
                return reply["content"], outputs, seconds

    def run(self, code, on_output=None):
        return self.wait(self.send(code), on_output)

    def fine(self, code):
        """Runs a cell that must not fail, and gives its outputs and seconds."""
        reply, outputs, seconds = self.run(code)
        if reply["status"] != "ok":
            sys.exit(f"this cell failed:\n\n{code}\n\n" + "\n".join(reply.get("traceback", [])))
        return outputs, seconds

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)


def text(outputs):
    """All text of a cell's outputs."""
    parts = []
    for kind, content, _ in outputs:
        parts.append(content["text"] if kind == "stream" else content.get("data", {}).get("text/plain", ""))
    return "".join(parts)


def first_figure(kernel, clone):
    """Seconds from the kernel's start to the first figure of the hello world, without its training."""
    kernel.fine(f':dep psychrnn = {{ path = "{clone}" }}\nuse psychrnn::prelude::*;')
    outputs, _ = kernel.fine(
        f"{TASK}\n{NETWORK}\nlet training = Trainer::default().updates(1).train(&mut network, &task)?;\n"
        "training.plot_loss()"
    )
    pictures = [at for kind, content, at in outputs if kind == "display_data" and "image/png" in content["data"]]
    if not pictures:
        sys.exit("the loss has no picture")
    return pictures[0] - kernel.start


def seconds_of_training(said):
    """What the final line of training says."""
    return float(said.rsplit(" s: loss", 1)[0].rsplit(" ", 1)[1])


def seconds_of_release(settings):
    """What the hello world's release build says."""
    variables = {**os.environ, **settings["variables"]}
    program = subprocess.run(settings["release"], env=variables, check=True, capture_output=True, text=True)
    return seconds_of_training(program.stdout)


def main(settings):
    clone = settings["clone"]
    found = {}

    def note(name, value):
        found[name] = round(value, 2) if isinstance(value, float) else value
        print(f"  {name}: {found[name]}", flush=True)

    first = Kernel()
    note("warm_first_figure_s", first_figure(first, clone))
    second = Kernel()
    note("second_kernel_first_figure_s", first_figure(second, clone))
    note("trivial_cell_s", statistics.median(second.fine(f"let trivial_{i} = {i};")[1] for i in range(9)))

    # Both at once, each with variables of its own.
    requests = [(first, first.send("let mine = 1;")), (second, second.send("let mine = 2;"))]
    replies = [kernel.wait(request)[0]["status"] for kernel, request in requests]
    values = [text(kernel.fine("println!(\"{mine}\");")[0]).strip() for kernel, _ in requests]
    folders = len(os.listdir(settings["kernels"]))
    second.end()
    time.sleep(1)
    removed = len(os.listdir(settings["kernels"])) == folders - 1
    note("two_kernels_independent", replies == ["ok", "ok"] and values == ["1", "2"] and removed)

    # The stop button.
    third = Kernel()
    third.fine(f':dep psychrnn = {{ path = "{clone}" }}\nuse psychrnn::prelude::*;')
    note("first_let_s", third.fine(TASK)[1])
    third.fine(NETWORK)
    request = third.send(
        "let training = Trainer::default().updates(1_000_000).train(&mut network, &task)?;\n"
        'println!("{:?}", training.stop);'
    )
    outputs = []

    def stop_when_it_trains(kind, content):
        outputs.append(kind)
        if kind in ("display_data", "update_display_data") and len(outputs) == 4:
            third.manager.interrupt_kernel()

    reply, outputs, _ = third.wait(request, stop_when_it_trains)
    stopped = reply["status"] == "ok" and "Interrupted" in text(outputs)
    reply, outputs, _ = third.run(
        "let more = Trainer::default().updates(2).train(&mut network, &task)?;\n"
        'println!("{} then {}", training.updates > 0, more.updates);'
    )
    note("stop_keeps_variables", stopped and "true then 2" in text(outputs))

    # Failed cells.
    panicked, _, _ = third.run("let empty: Vec<f64> = Vec::new(); println!(\"{}\", empty[3]);")
    refused, _, _ = third.run("let none = Rnn::new(&task, RnnConfig::default().units(0))?;")
    wrong, _, _ = third.run("let x: usize = \"text\";")
    alive, outputs, _ = third.run('println!("{}", training.updates > 0);')
    note(
        "failed_cells_red",
        panicked["status"] == refused["status"] == wrong["status"] == "error"
        and "index out of bounds" in panicked["evalue"]
        and "`units` must be" in refused["evalue"]
        and "mismatched types" in wrong["evalue"]
        and text(outputs).strip() == "true",
    )

    # A notebook's training beside that of a release build.
    hello = Kernel()
    hello.fine(f':dep psychrnn = {{ path = "{clone}" }}\nuse psychrnn::prelude::*;\n{TASK}\n{NETWORK}')
    cell, release = [], []
    for _ in range(TRAININGS):
        release.append(seconds_of_release(settings))
        outputs, _ = hello.fine("let training = Trainer::default().trials(50_000).train(&mut network, &task)?;")
        cell.append(seconds_of_training(text(outputs)))
    print(f"  seconds of training: {cell} in a cell, {release} in a release build")
    note("cell_over_release", statistics.median(cell) / statistics.median(release))
    hello.end()

    # A library that is not the one of the template.
    changed = Kernel(PSYCHRNN_CLONE=settings["changed"])
    reply, outputs, _ = changed.run(":dep libc")
    said = any(kind == "stream" and "library was changed" in content["text"] for kind, content, _ in outputs)
    newest = max(glob.glob(os.path.join(settings["kernels"], "*")), key=os.path.getmtime)
    compiled = glob.glob(os.path.join(newest, "target", "*", "debug", "deps", "lib*.rlib"))
    ours = [path for path in compiled if os.path.basename(path).startswith("libpsychrnn-")]
    note("stale_template_noticed", said and bool(compiled) and not ours)
    changed.end()
    for kernel in (first, third):
        kernel.end()
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
