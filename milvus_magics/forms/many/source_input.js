// Where a form for many users gets them: a file is chosen or dropped, or lines are pasted.
//
// What is in them may be passwords. It is sent by one message and is in no state of the widget, so neither in the notebook
// nor with others who look at the same kernel. Values become text by textContent and nothing else.

const BUTTON = "lm-Widget jupyter-widgets jupyter-button widget-button";
const ENDINGS = ".csv,.tsv,.json,.ndjson,.jsonl";

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function makeButton(text) {
  const button = make("button", BUTTON, text);
  button.type = "button";
  return button;
}

// Front ends draw before they show.
function focusSoon(element, tries) {
  if (element.isConnected && element.offsetParent) element.focus();
  else if (tries) requestAnimationFrame(() => focusSoon(element, tries - 1));
}

function render({ model, el }) {
  const root = make("div", "mm-source");
  const drop = make("div", "mm-drop");
  const choose = makeButton("Choose a file…");
  const input = make("input", "mm-file");
  Object.assign(input, { type: "file", accept: ENDINGS, tabIndex: -1 });
  input.setAttribute("aria-hidden", "true"); // the button is what people and screen readers meet
  const help = make("div", "mm-help", model.get("help"));
  help.id = `mm-help-${model.model_id ?? Math.random()}`;
  choose.setAttribute("aria-describedby", help.id);
  drop.append(choose, input, make("span", "", "or drop one here: CSV, TSV, JSON or NDJSON"));
  const label = make("label", "mm-paste");
  const text = make("textarea", "mm-lines");
  // No service that checks spelling or fills in forms shall see it.
  Object.assign(text, { rows: 3, spellcheck: false, autocomplete: "off", placeholder: model.get("placeholder") });
  for (const [name, value] of [["autocapitalize", "off"], ["autocorrect", "off"], ["data-gramm", "false"]]) {
    text.setAttribute(name, value);
  }
  label.append(make("span", "", "Or paste lines"), text);
  const check = makeButton("Check");
  root.append(help, drop, label, check);
  el.append(root);

  // However many are dropped, one file is read.
  async function send(file) {
    if (!file || model.get("is_busy")) return;
    if (file.size > model.get("max_bytes")) {
      model.send({ type: "too large", name: file.name });
      return;
    }
    try {
      model.send({ type: "file", name: file.name }, undefined, [await file.arrayBuffer()]);
    } catch { // it was moved, or may not be read
      model.send({ type: "unreadable", name: file.name });
    }
  }

  function sendText() {
    const bytes = new TextEncoder().encode(text.value);
    if (bytes.length > model.get("max_bytes")) model.send({ type: "too large", name: "" });
    else model.send({ type: "text" }, undefined, [bytes.buffer]);
  }

  function showBusy() {
    choose.disabled = text.disabled = model.get("is_busy");
    check.disabled = model.get("is_busy") || !text.value.trim();
    choose.classList.toggle("mod-primary", !text.value.trim());
    check.classList.toggle("mod-primary", Boolean(text.value.trim()));
  }

  function hear(message) {
    if (message.type !== "clear") return;
    text.value = "";
    showBusy();
  }

  function takeFocus() {
    if (!model.get("wants_focus")) return;
    model.set("wants_focus", false);
    model.save_changes();
    focusSoon(choose, 100);
  }

  choose.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    send(input.files[0]);
    input.value = ""; // so that the same one can be chosen once more, when it was changed
  });
  text.addEventListener("input", showBusy);
  check.addEventListener("click", sendText);
  // The notebook around it must not take what is typed for its own keys.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      event.stopPropagation();
      drop.classList.toggle("mm-over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") send(event.dataTransfer.files[0]);
    });
  }
  model.on("change:is_busy", showBusy);
  model.on("msg:custom", hear);
  showBusy();
  model.on("change:wants_focus", takeFocus);
  takeFocus();
  return () => {
    text.value = "";
    model.off("change:is_busy", showBusy);
    model.off("change:wants_focus", takeFocus);
    model.off("msg:custom", hear);
  };
}

export default { render };
