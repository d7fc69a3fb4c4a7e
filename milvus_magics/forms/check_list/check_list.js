// Boxes to tick, in groups, by mouse, keyboard and screen reader.
//
// Values become text by textContent and nothing else. The tab stop is one box at a time, which the arrow keys move; the
// notebook around it must not hear them, so they end here.

const MANY = 12; // from so many on there is a search box
const MAX_DRAWN = 500; // of one group; the search finds the others

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

class CheckList {
  constructor(model, el) {
    this.model = model;
    this.id = `mm-choices-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`; // each list is a module of its own
    this.active = ""; // key of the box that is the tab stop
    this.boxes = new Map(); // key -> its box
    this.build(el);
    this.listen();
    this.draw();
  }

  build(el) {
    this.root = make("div", "mm-choices");
    this.root.setAttribute("role", this.model.get("is_single") ? "radiogroup" : "group");
    this.root.setAttribute("aria-labelledby", this.id);
    this.title = make("div", "mm-choices-label", this.model.get("label"));
    this.title.id = this.id;
    this.body = make("div", "mm-choices-body");
    this.search = make("input", "mm-choices-search");
    const words = this.model.get("other") ? "Search or type a name" : "Search";
    Object.assign(this.search, { type: "search", placeholder: words, spellcheck: false, autocomplete: "off" });
    this.search.setAttribute("aria-label", `${words}: ${this.model.get("label")}`);
    this.list = make("div", "mm-choices-list");
    this.body.append(this.search, this.list);
    this.root.append(this.title, this.body);
    el.append(this.root);
  }

  listen() {
    const changes = {
      "change:groups change:note": () => this.draw(),
      "change:value": () => this.takeValue(),
      "msg:custom": (message) => message.do === "focus" && this.focus(),
    };
    this.handlers = Object.entries(changes);
    for (const [names, handler] of this.handlers) this.model.on(names, handler);
    this.search.addEventListener("input", () => this.draw());
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => this.onClick(event));
    this.list.addEventListener("focusin", (event) => this.activate(event.target.dataset.key));
    // Lumino, under JupyterLab and Notebook, hears keys before any element does, and leaves those alone whose target says
    // so. This is heard even before. Ctrl+S still saves.
    this.onAnyKey = (event) => {
      if (!this.root.contains(event.target)) return;
      const isOthers = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
      if (isOthers) delete event.target.dataset.lmSuppressShortcuts;
      else event.target.dataset.lmSuppressShortcuts = "true";
    };
    window.addEventListener("keydown", this.onAnyKey, true);
  }

  destroy() {
    window.removeEventListener("keydown", this.onAnyKey, true);
    for (const [names, handler] of this.handlers) this.model.off(names, handler);
  }

  // What is shown

  draw() {
    const groups = this.withOthers(this.model.get("groups"));
    const wanted = this.search.value.trim().toLowerCase();
    const hadFocus = this.list.contains(document.activeElement);
    const count = groups.reduce((sum, group) => sum + group.items.length, 0);
    const mayType = this.model.get("other") && !(this.model.get("is_single") && count > 1);
    this.search.hidden = !wanted && count <= MANY && !mayType;
    this.boxes.clear();
    const parts = groups.map((group) => this.drawGroup(group, wanted)).filter(Boolean);
    const nothing = count ? "Nothing is called like that." : this.model.get("note");
    this.list.replaceChildren(...(parts.length ? parts : [make("div", "mm-choices-note", nothing)]));
    if (!this.boxes.has(this.active)) this.active = "";
    this.activate(this.active || this.firstKey());
    if (hadFocus) this.boxes.get(this.active)?.focus({ preventScroll: true });
  }

  // The groups, with what was ticked that is none of theirs, and with the name that is typed if it may be chosen.
  withOthers(groups) {
    if (!this.model.get("other")) return groups;
    const known = new Set(groups.flatMap((group) => group.items.map((item) => item.key)));
    const typed = this.search.value.trim();
    const more = [...new Set([...Object.keys(this.model.get("value")), typed])].filter((key) => key && !known.has(key));
    const items = more.map((key) => ({ key, name: key, more: this.model.get("other"), state: "none", note: "" }));
    return items.length ? [...groups, { label: "", items }] : groups;
  }

  drawGroup(group, wanted) {
    const found = group.items.filter((item) => `${item.name} ${item.more} ${group.label}`.toLowerCase().includes(wanted));
    if (!found.length) return null;
    const part = make("div", "mm-choices-group");
    if (group.label) {
      const heading = make("div", "mm-choices-heading", group.label);
      heading.id = `${this.id}-${group.label.replace(/\W/g, "")}`;
      part.setAttribute("role", "group");
      part.setAttribute("aria-labelledby", heading.id);
      part.append(heading);
    }
    const items = make("div", "mm-choices-items");
    items.append(...found.slice(0, MAX_DRAWN).map((item) => this.drawItem(item)));
    part.append(items);
    const left = found.length - MAX_DRAWN;
    if (left > 0) part.append(make("div", "mm-choices-note", `and ${left.toLocaleString()} more: search for them`));
    return part;
  }

  drawItem(item) {
    const row = make("label", "mm-choice");
    const box = make("input", "");
    box.type = this.model.get("is_single") ? "radio" : "checkbox";
    if (box.type === "radio") box.name = this.id;
    box.dataset.key = item.key;
    box.tabIndex = -1;
    box.item = item;
    const text = make("span", "mm-choice-text");
    text.append(make("span", "mm-choice-name", item.name));
    if (item.more) text.append(make("span", "mm-choice-more", item.more));
    text.append(make("span", "mm-choice-mark"));
    row.append(box, text);
    this.boxes.set(item.key, box);
    this.showState(box);
    return row;
  }

  showState(box) {
    const { key, state, note } = box.item;
    const wish = this.model.get("value")[key];
    const [isSo, isPartly, willBe, willNotBe] = this.model.get("words");
    box.checked = wish ?? state === "all";
    box.indeterminate = wish === undefined && state === "some";
    const row = box.parentElement;
    row.classList.toggle("mm-given", wish === true);
    row.classList.toggle("mm-taken", wish === false);
    const before = { all: isSo, some: isPartly }[state] ?? "";
    const mark = wish === undefined ? note || before : wish ? willBe : willNotBe;
    row.querySelector(".mm-choice-mark").textContent = mark ?? "";
  }

  takeValue() {
    if (this.model.get("other")) return this.draw();
    for (const box of this.boxes.values()) this.showState(box);
  }

  // What is done

  // What shall be so next: what is so in part can also be left as it is.
  nextWish({ state }, wish) {
    if (state === "some") return wish === undefined ? true : wish ? false : undefined;
    return wish === undefined ? state !== "all" : undefined;
  }

  toggle(box) {
    const { key } = box.item;
    const { [key]: wish, ...others } = this.model.get("value");
    const next = this.model.get("is_single") ? true : this.nextWish(box.item, wish);
    const value = this.model.get("is_single") ? {} : others;
    if (next !== undefined) value[key] = next;
    this.model.set("value", value);
    this.model.save_changes();
    this.showState(box);
  }

  onClick(event) {
    if (!(event.target instanceof HTMLInputElement)) return;
    this.activate(event.target.dataset.key);
    this.toggle(event.target);
  }

  onKey(event) {
    event.stopPropagation();
    if (event.target === this.search) return this.onSearchKey(event);
    const boxes = [...this.boxes.values()];
    const at = boxes.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = boxes.length - 1;
    const to = {
      ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault(); // a radio button would be chosen by it, and the page scroll
    boxes[Math.max(0, Math.min(last, to))].focus();
  }

  onSearchKey(event) {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      this.focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const typed = this.boxes.get(this.search.value.trim()) ?? (this.boxes.size === 1 && [...this.boxes.values()][0]);
      if (typed) this.toggle(typed);
    } else if (event.key === "Escape" && this.search.value) {
      event.preventDefault();
      this.search.value = "";
      this.draw();
    }
  }

  firstKey() {
    const boxes = [...this.boxes.values()];
    return (boxes.find((box) => box.checked) ?? boxes[0])?.dataset.key ?? "";
  }

  activate(key) {
    if (!this.boxes.has(key)) return;
    const before = this.boxes.get(this.active);
    if (before) before.tabIndex = -1;
    this.active = key;
    this.boxes.get(key).tabIndex = 0;
  }

  focus() {
    this.boxes.get(this.active)?.focus();
  }
}

export default {
  render({ model, el }) {
    const list = new CheckList(model, el);
    return () => list.destroy();
  },
};
