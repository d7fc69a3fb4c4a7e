// A file with passwords, given to this browser once.
//
// Whatever a kernel sends goes to all who look at it. So this makes random bytes, which go to the kernel alone, and the
// file comes back combined with them: to everybody else it is noise. It is in no state of the widget.

const BUTTON = "lm-Widget jupyter-widgets jupyter-button widget-button mod-primary";
const MAX_RANDOM = 65536; // as many bytes as browsers give at a time

function makeRandomBytes(size) {
  const bytes = new Uint8Array(size);
  for (let start = 0; start < size; start += MAX_RANDOM) {
    crypto.getRandomValues(bytes.subarray(start, Math.min(start + MAX_RANDOM, size)));
  }
  return bytes;
}

function save(name, bytes) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "text/csv" }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "mm-download";
  const button = document.createElement("button");
  button.className = BUTTON;
  button.type = "button";
  root.append(button);
  el.append(root);
  let asked = null; // what was asked for, and the bytes that make a file of the answer

  function show() {
    button.textContent = asked ? "Downloading…" : model.get("label");
    button.disabled = asked !== null || model.get("size") === 0;
    root.hidden = !model.get("label");
  }

  function ask() {
    const pad = makeRandomBytes(model.get("size"));
    asked = { pad, number: crypto.getRandomValues(new Uint32Array(1))[0] };
    show();
    model.send({ type: "fetch", number: asked.number }, undefined, [pad.slice().buffer]);
  }

  function hear(message, buffers) {
    if (!asked || message.number !== asked.number) return; // for another browser
    const { pad } = asked;
    asked = null;
    if (message.type === "file" && buffers.length) {
      const data = buffers[0];
      const hidden = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
      const bytes = hidden.map((byte, place) => byte ^ pad[place]);
      save(message.name, bytes);
      bytes.fill(0); // the blob has its own
      model.send({ type: "saved", number: message.number });
    }
    pad.fill(0);
    show();
  }

  // Another file, or none: whoever asked for the one before waits no longer.
  function renew() {
    asked = null;
    show();
  }

  button.addEventListener("click", ask);
  model.on("change:label change:size", renew);
  model.on("msg:custom", hear);
  show();
  return () => {
    model.off("change:label change:size", renew);
    model.off("msg:custom", hear);
  };
}

export default { render };
