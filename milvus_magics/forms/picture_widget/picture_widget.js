// The picture of who may do what: rows to filter, sort and fold, cells that say why, and what is shown as a file.
//
// Values become text by textContent and nothing else. Only the rows in sight are in the page. The tab stop is one cell at
// a time, which the arrow keys move; the notebook around it must not hear them, so they end here.

const ROW_HEIGHT = 28;
const ROWS_IN_SIGHT = 12;
const ROWS_AROUND = 6;
const MAX_PNG_ROWS = 1000; // a canvas can't be of any height
const MAX_NAMES = 3; // of a folded row
const MANY_COLUMNS = 6; // with more they can be filtered
const SECONDS_TO_DRAW = 3; // a form
const HINT = "Choose a cell to see why.";
const FORMULA = /^[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/;
const PAINT = { r: "#1f6fc0", w: "#a85a00", a: "#7d4bc4", d: "#c5302b" };
const SVG = "http://www.w3.org/2000/svg";

const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

function button(text, onClick, className = "mm-button") {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

// What keeps a spreadsheet from taking a name for a formula.
function csvCell(text) {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function svgElement(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

class Picture {
  constructor(model, el) {
    this.model = model;
    this.drawn = new Map();
    this.view = []; // groups of row numbers
    this.active = { row: 0, column: 0 }; // column 0 is the name; row -1 the heading
    this.sorting = { column: -1, isDown: false };
    // Cells are told apart by the names of their rows and columns: numbers mean others once rows were added.
    this.asked = ""; // the cell whose reasons were asked for last
    this.answered = null; // the one whose reasons are shown
    this.isClosed = true;
    this.build(el);
    this.listen();
    this.take();
  }

  build(el) {
    this.root = make("div", "mm-picture");
    this.search = this.searchBox("filter");
    this.columnSearch = this.searchBox("column_filter");
    this.label(this.columnSearch, "Filter columns");
    this.fold = this.option("Fold rows with equal rights");
    this.hide = this.option("Hide rows with nothing more than everybody");
    this.files = make("div", "mm-files", "Save as");
    for (const kind of ["SVG", "PNG", "CSV"])
      this.files.append(button(kind, () => this.save(kind), "mm-button"));
    for (const each of this.files.children) each.setAttribute("aria-label", `Save as ${each.textContent}`);
    this.count = make("div", "mm-count");
    this.count.setAttribute("role", "status");
    this.old = make("div", "mm-old", "Not up to date");
    const tools = make("div", "mm-tools");
    tools.append(this.search, this.columnSearch, this.fold.label, this.hide.label, this.count, this.old, this.files);
    this.grid = make("div", "mm-grid");
    this.grid.setAttribute("role", "grid");
    this.heading = make("div", "mm-heading");
    this.heading.setAttribute("role", "rowgroup");
    this.space = make("div", "mm-space");
    this.space.setAttribute("role", "rowgroup");
    this.grid.append(this.heading, this.space);
    this.legend = make("div", "mm-keys");
    this.why = make("section", "mm-why", HINT);
    this.why.setAttribute("aria-label", "Why");
    this.why.setAttribute("aria-live", "polite");
    this.why.tabIndex = -1;
    const main = make("div", "mm-main");
    main.append(this.grid, this.why);
    this.root.append(tools, this.legend, main);
    el.append(this.root);
  }

  searchBox(trait) {
    const box = make("input", "mm-search");
    Object.assign(box, { type: "search", autocomplete: "off", spellcheck: false, value: this.model.get(trait) });
    box.addEventListener("change", () => { this.model.set(trait, box.value); this.model.save_changes(); });
    return box;
  }

  label(box, text) {
    box.placeholder = text;
    box.setAttribute("aria-label", text);
  }

  option(text) {
    const label = make("label", "mm-option");
    const box = make("input");
    box.type = "checkbox";
    box.addEventListener("change", () => this.find());
    label.append(box, make("span", "", text));
    return { label, box };
  }

  listen() {
    this.handlers = [
      ["change:edition", () => this.take()],
      ["change:column_filter", () => { this.columnSearch.value = this.model.get("column_filter"); }],
      ["change:is_old", () => this.showCount()],
      ["msg:custom", (message) => this[{ why: "showWhy", gone: "showGone", focus: "focusActive", form: "reachForm" }[message.type]]?.(message)],
    ];
    for (const [name, handler] of this.handlers) this.model.on(name, handler);
    this.search.addEventListener("input", () => this.find());
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.grid.addEventListener("keydown", (event) => this.onKey(event));
    this.grid.addEventListener("click", (event) => this.onClick(event));
    this.grid.addEventListener("scroll", () => this.drawSoon());
    this.grid.addEventListener("focusin", (event) => this.onFocus(event));
    this.why.addEventListener("keydown", (event) => event.key === "Escape" && this.closeWhy());
    // Lumino hears keys before any element does, and leaves those alone whose target says so.
    this.onAnyKey = (event) => {
      if (!this.root.contains(event.target)) return;
      const isOthers = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
      if (isOthers) delete event.target.dataset.lmSuppressShortcuts;
      else event.target.dataset.lmSuppressShortcuts = "true";
    };
    window.addEventListener("keydown", this.onAnyKey, true);
    this.sizes = new ResizeObserver(() => { this.root.classList.toggle("mm-slim", this.root.clientWidth < 620); this.draw(); });
    this.sizes.observe(this.root);
  }

  destroy() {
    window.removeEventListener("keydown", this.onAnyKey, true);
    this.sizes.disconnect();
    clearTimeout(this.timer);
    for (const [name, handler] of this.handlers) this.model.off(name, handler);
  }

  take() {
    const active = this.rows && this.activeName();
    for (const name of ["rows", "columns", "kinds", "corner"]) this[name] = this.model.get(name);
    this.texts = this.rows.map((row) => `${row.name}\n${row.note}`.toLocaleLowerCase());
    const what = this.corner[0];
    this.label(this.search, `Filter ${what}`);
    this.columnSearch.hidden = this.model.get("column_count") <= MANY_COLUMNS;
    this.grid.setAttribute("aria-label", this.model.get("caption"));
    this.grid.setAttribute("aria-colcount", this.columns.length + 1);
    this.root.classList.toggle("mm-counts", this.kinds.some((kind) => kind.signs.some((sign) => sign?.[1])));
    this.root.style.setProperty("--mm-columns", this.columns.length);
    this.makeHead();
    this.makeLegend();
    this.find();
    if (active) this.follow(active);
    if (this.isClosed) return;
    // What was said of a cell is said anew where it is still there: something may have been granted or revoked.
    const cell = JSON.parse(this.asked);
    if (this.rowOf(cell) >= 0 && this.columnOf(cell) >= 0) this.ask(cell);
    else this.closeWhy(false);
  }

  nameOfCell(row, column) {
    return [this.corner[0], this.rows[row]?.key ?? "", ...(this.columns[column]?.key ?? ["", ""])];
  }

  activeName() {
    return this.nameOfCell(this.view[this.active.row]?.[0], this.active.column - 1);
  }

  rowOf([kind, name]) {
    return kind === this.corner[0] ? this.rows.findIndex((row) => row.key === name) : -1;
  }

  columnOf([, , above, name]) {
    return this.columns.findIndex(({ key }) => key[0] === above && key[1] === name);
  }

  // The tab stop stays with whom it was on, where they are still there.
  follow(cell) {
    const row = this.rowOf(cell);
    const place = row < 0 ? -1 : this.view.findIndex((group) => group.includes(row));
    if (place < 0) return;
    this.active.row = place;
    if (this.active.column > 0) this.active.column = Math.max(this.columnOf(cell), 0) + 1;
    this.draw();
  }

  makeHead() {
    const head = make("div", "mm-row mm-head");
    head.setAttribute("role", "row");
    head.setAttribute("aria-rowindex", 1);
    this.headings = [{ above: "", short: this.corner[0], name: this.corner[0], size: "" }, ...this.columns];
    this.headings.forEach((column, index) => {
      const cell = make("div", `mm-cell ${index ? "" : "mm-who"}`);
      cell.setAttribute("role", "columnheader");
      cell.setAttribute("aria-colindex", index + 1);
      cell.title = [column.above, column.name, column.size].filter(Boolean).join(" ");
      if (column.above) cell.append(make("small", "", column.above));
      const name = make("span", "mm-label");
      for (const part of `${column.short} ${column.size}`.trim().split(/(?<=[_.…-])/)) name.append(part, document.createElement("wbr"));
      cell.append(name, make("span", "mm-arrow"));
      head.append(cell);
    });
    this.head = head;
    this.heading.replaceChildren(head);
  }

  makeLegend() {
    this.legend.replaceChildren(...this.model.get("legend").map((key) => {
      const item = make("span", "mm-key");
      for (const [text, kind] of key.signs) item.append(make("b", kind, text));
      item.append(` ${key.meaning}`);
      return item;
    }));
  }

  // Which rows are shown, and in which order

  find() {
    const words = this.search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let found = [...this.rows.keys()].filter((index) => words.every((word) => this.texts[index].includes(word)));
    if (this.hide.box.checked) found = found.filter((index) => this.rows[index].is_more);
    const { column, isDown } = this.sorting;
    if (column >= 0) {
      const weight = (index) => this.kinds[this.rows[index].cells[column - 1]].weight;
      const order = column === 0 ? (a, b) => compare(this.rows[a].name, this.rows[b].name) : (a, b) => weight(b) - weight(a);
      found.sort((a, b) => (isDown ? -1 : 1) * order(a, b));
    }
    this.view = found.map((index) => [index]);
    if (this.fold.box.checked) {
      const groups = new Map();
      for (const index of found) {
        const key = this.rows[index].cells.join();
        if (groups.has(key)) groups.get(key).push(index);
        else groups.set(key, [index]);
      }
      this.view = [...groups.values()];
    }
    this.active.row = Math.max(Math.min(this.active.row, this.view.length - 1), -1);
    this.redraw();
  }

  showCount() {
    const shown = this.view.reduce((sum, group) => sum + group.length, 0);
    const all = this.rows.length;
    const no = this.columns.length ? "" : " · no column is called like that";
    const text = `${shown === all ? all.toLocaleString() : `${shown.toLocaleString()} of ${all.toLocaleString()}`} ${all === 1 ? "row" : "rows"}${no}`;
    if (this.count.textContent !== text) this.count.textContent = text;
    this.root.classList.toggle("mm-is-old", this.model.get("is_old"));
  }

  nameOf(group) {
    if (group.length === 1) return this.rows[group[0]].name;
    const names = group.slice(0, MAX_NAMES).map((index) => this.rows[index].name).join(", ");
    const more = group.length > MAX_NAMES ? ` and ${group.length - MAX_NAMES} more` : "";
    return `${group.length} ${this.corner[0]}: ${names}${more}`;
  }

  // Drawing

  redraw() {
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
    this.space.style.height = `${this.view.length * ROW_HEIGHT}px`;
    this.grid.style.maxHeight = `${ROWS_IN_SIGHT * ROW_HEIGHT + 70}px`;
    this.grid.setAttribute("aria-rowcount", this.view.length + 1);
    [...this.head.children].forEach((cell, index) => {
      const isSorted = index === this.sorting.column;
      cell.setAttribute("aria-sort", isSorted ? (this.sorting.isDown ? "descending" : "ascending") : "none");
      cell.querySelector(".mm-arrow").textContent = isSorted ? (this.sorting.isDown ? "▼" : "▲") : "";
    });
    this.draw();
    this.showCount();
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    if (!this.rows) return;
    const from = Math.max(0, Math.floor(this.grid.scrollTop / ROW_HEIGHT) - ROWS_AROUND);
    const to = Math.min(this.view.length, from + ROWS_IN_SIGHT + 2 * ROWS_AROUND + 2);
    const wanted = new Set(Array.from({ length: to - from }, (_, index) => from + index));
    if (this.active.row >= 0 && this.active.row < this.view.length) wanted.add(this.active.row);
    for (const [place, element] of this.drawn)
      if (!wanted.has(place)) { element.remove(); this.drawn.delete(place); }
    for (const place of wanted)
      if (!this.drawn.has(place)) this.drawn.set(place, this.makeRow(place));
    const ordered = [...this.drawn].sort(([a], [b]) => a - b).map(([, element]) => element);
    if (ordered.some((element, index) => this.space.children[index] !== element)) {
      const focus = this.grid.contains(document.activeElement) ? document.activeElement : null;
      this.space.append(...ordered);
      focus?.focus({ preventScroll: true });
    }
    this.showTabStop();
  }

  makeRow(place) {
    const group = this.view[place];
    const row = this.rows[group[0]];
    const element = make("div", "mm-row");
    element.setAttribute("role", "row");
    element.setAttribute("aria-rowindex", place + 2);
    element.style.transform = `translateY(${place * ROW_HEIGHT}px)`;
    element.dataset.place = place;
    const name = this.nameOf(group);
    const who = make("div", "mm-cell mm-who");
    who.setAttribute("role", "rowheader");
    who.setAttribute("aria-label", name);
    who.title = `${name}${row.note && group.length === 1 ? `\n${row.note}` : ""}`;
    who.append(make("span", "mm-label", group.length === 1 ? row.short : name));
    if (group.length === 1) who.append(make("span", "mm-beside", row.note));
    element.append(who);
    row.cells.forEach((number, index) => {
      const kind = this.kinds[number];
      const cell = make("div", "mm-cell mm-marks");
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-colindex", index + 2);
      cell.setAttribute("aria-label", kind.words);
      cell.title = `${name} · ${this.columns[index].name}: ${kind.words}`;
      for (const sign of kind.signs) cell.append(sign ? make("b", sign[2], sign[0] + sign[1]) : make("i", "", "·"));
      element.append(cell);
    });
    return element;
  }

  // The tab stop

  activeCell() {
    const row = this.active.row < 0 ? this.head : this.drawn.get(this.active.row);
    return row?.children[Math.min(this.active.column, row.children.length - 1)];
  }

  showTabStop() {
    for (const element of this.grid.querySelectorAll("[tabindex='0']")) {
      element.tabIndex = -1;
      element.removeAttribute("aria-selected");
    }
    const cell = this.activeCell();
    if (!cell) return;
    cell.tabIndex = 0;
    if (this.asked && this.active.row >= 0 && this.active.column > 0) cell.setAttribute("aria-selected", true);
  }

  focusActive() {
    const { row } = this.active;
    if (row >= 0) {
      const top = row * ROW_HEIGHT;
      const sight = this.grid.clientHeight - this.heading.offsetHeight - ROW_HEIGHT;
      if (top < this.grid.scrollTop) this.grid.scrollTop = top;
      else if (top > this.grid.scrollTop + sight) this.grid.scrollTop = top - sight;
    }
    this.draw();
    const cell = this.activeCell();
    if (cell) cell.tabIndex = 0;
    cell?.focus({ preventScroll: true });
    if (this.active.column > 0) {
      const left = cell.offsetLeft - this.head.firstChild.offsetWidth;
      if (left < this.grid.scrollLeft) this.grid.scrollLeft = left;
      else if (cell.offsetLeft + cell.offsetWidth > this.grid.scrollLeft + this.grid.clientWidth)
        this.grid.scrollLeft = cell.offsetLeft + cell.offsetWidth - this.grid.clientWidth;
    }
  }

  onFocus(event) {
    const cell = event.target.closest(".mm-cell");
    const row = cell?.parentElement;
    if (!row) return;
    this.active = { row: row === this.head ? -1 : Number(row.dataset.place), column: [...row.children].indexOf(cell) };
    this.askWhy();
    this.showTabStop();
  }

  onKey(event) {
    const { row, column } = this.active;
    const last = this.view.length - 1;
    const width = this.columns.length;
    const isFar = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowDown: [Math.min(row + 1, last), column],
      ArrowUp: [Math.max(row - 1, -1), column],
      ArrowRight: [row, Math.min(column + 1, width)],
      ArrowLeft: [row, Math.max(column - 1, 0)],
      PageDown: [Math.min(row + ROWS_IN_SIGHT, last), column],
      PageUp: [Math.max(row - ROWS_IN_SIGHT, 0), column],
      Home: isFar ? [0, column] : [row, 0],
      End: isFar ? [last, column] : [row, width],
    };
    if (moves[event.key]) {
      [this.active.row, this.active.column] = moves[event.key];
      this.focusActive();
    } else if (event.key === "Enter" || event.key === " ") {
      if (row < 0) this.sortBy(column);
      else if (column > 0) this.enterWhy();
    } else if (event.key === "Escape") this.closeWhy();
    else return;
    event.preventDefault();
  }

  onClick(event) {
    const cell = event.target.closest(".mm-cell");
    if (!cell) return;
    if (cell.parentElement === this.head) this.sortBy([...this.head.children].indexOf(cell));
    else {
      this.active = { row: Number(cell.parentElement.dataset.place), column: [...cell.parentElement.children].indexOf(cell) };
      this.isClicked = this.active.column > 0;
      if (this.isClosed) this.asked = "";
      this.focusActive();
      this.askWhy(); // it may have had the focus before
      if (this.asked === this.answered) this.reachWhy();
    }
  }

  sortBy(column) {
    this.sorting = { column, isDown: this.sorting.column === column && !this.sorting.isDown };
    this.find();
    this.focusActive();
  }

  // Why

  askWhy() {
    const row = this.view[this.active.row]?.[0];
    if (row === undefined || this.active.column < 1) return;
    const cell = this.activeName();
    if (this.asked !== JSON.stringify(cell)) this.ask(cell);
  }

  ask(cell) {
    this.asked = JSON.stringify(cell);
    this.answered = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.model.send({ type: "why", cell }), 80);
  }

  // By keyboard: from the cell to what can be done about it.
  enterWhy() {
    this.isEntering = true;
    if (this.isClosed) this.asked = "";
    if (this.asked === this.answered) this.reachWhy();
    else this.askWhy();
  }

  // What was chosen by a click or by Enter comes into sight; who goes through the cells sees nothing jump.
  reachWhy() {
    if (this.isEntering) (this.why.querySelector("button, select") ?? this.why).focus();
    if (this.isEntering || this.isClicked) this.why.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.isEntering = this.isClicked = false;
  }

  closeWhy(isByKey = true) {
    clearTimeout(this.timer);
    this.isClosed = true;
    this.answered = null;
    this.why.replaceChildren(HINT);
    if (isByKey) this.focusActive(); // of which nothing is asked: it was just closed
    else this.asked = "";
  }

  showWhy(why) {
    if (this.asked !== JSON.stringify(why.cell)) return;
    this.answered = this.asked;
    this.isClosed = false;
    const group = this.view.find((each) => each.includes(why.row)) ?? [why.row];
    const others = group.length > 1 ? ` (the same rights have ${group.length - 1} more ${this.corner[0]}, perhaps by other roles)` : "";
    const focused = this.why.contains(document.activeElement);
    this.why.replaceChildren(make("div", "mm-whose", why.title), make("div", "", `${why.words}${others}`));
    for (const sources of this.groupByRole(why.sources)) this.why.append(...this.makeRole(why, sources));
    if (!why.sources.length) this.why.append(make("div", "", "No role brings anything here."));
    if (this.model.get("actions").includes("grant")) this.why.append(this.makeGrant(why));
    this.isEntering ||= focused; // what had the focus was drawn anew
    this.reachWhy();
  }

  // What a button was about has gone meanwhile.
  showGone({ cell, text }) {
    if (this.asked !== JSON.stringify(cell)) return;
    this.closeWhy(false);
    this.why.textContent = text;
  }

  groupByRole(sources) {
    const groups = new Map();
    for (const source of sources) groups.set(source.role_key, [...(groups.get(source.role_key) ?? []), source]);
    return [...groups.values()];
  }

  // A role, which can be taken away as a whole, and what each of its grants brings.
  makeRole(why, sources) {
    const { role, role_key: key, reach, can_take: canTake } = sources[0];
    const heading = make("div", "mm-role");
    if (!role.startsWith("(")) heading.append(make("b", "", `Role ${role}`), make("span", "mm-reach", reach || "built in"));
    if (canTake && this.may("revoke_role")) heading.append(this.act("revoke_role", `Take role ${role} away…`, why, key));
    const lines = make("ul", "mm-sources");
    for (const source of sources) lines.append(this.makeSource(why, source));
    return [heading, lines];
  }

  makeSource(why, source) {
    const line = make("li");
    line.append(make("span", "", `${source.verbs ? `${source.verbs}: ` : ""}${source.text}`));
    if (source.doubt) line.append(make("em", "", ` perhaps: ${source.doubt}`));
    if (source.can_revoke && this.may("revoke")) {
      const revoke = this.act("revoke", "Revoke…", why, source.key);
      revoke.setAttribute("aria-label", `Revoke ${source.text} from role ${source.role}…`);
      line.append(revoke);
    }
    return line;
  }

  may(type) {
    return this.model.get("actions").includes(type);
  }

  act(type, text, why, key) {
    const act = () => this.model.send({ type, cell: why.cell, key });
    return button(text, act, `mm-button ${type.startsWith("revoke") ? "mm-danger" : ""}`);
  }

  makeGrant(why) {
    const box = make("div", "mm-grant");
    if (why.roles.length) {
      const label = make("label", "", "Grant more to role ");
      const select = make("select");
      why.roles.forEach((role, index) => select.append(new Option(role.name, index)));
      const reach = make("span", "mm-reach", why.roles[0].reach);
      select.addEventListener("change", () => { reach.textContent = why.roles[select.value].reach; });
      label.append(select);
      const act = () => this.model.send({ type: "grant", cell: why.cell, key: why.roles[select.value].key });
      box.append(label, button("Grant…", act), reach);
    }
    if (why.user && this.may("grant_role")) box.append(this.act("grant_role", `Give ${why.user} a role…`, why, ""));
    return box;
  }

  // A form that was opened from here comes into sight, and has the focus; it grows while its lists are drawn.
  reachForm() {
    const place = this.root.closest(".mm-panel")?.querySelector(".mm-form-place");
    if (!place) return;
    place.tabIndex = -1;
    if (!place.contains(document.activeElement)) place.focus({ preventScroll: true });
    const growth = new ResizeObserver(() => place.scrollIntoView({ block: "nearest", inline: "nearest" }));
    growth.observe(place);
    const stop = () => growth.disconnect();
    setTimeout(stop, SECONDS_TO_DRAW * 1000);
    for (const what of ["wheel", "pointerdown", "keydown"]) window.addEventListener(what, stop, { once: true, capture: true });
  }

  // Files

  save(kind) {
    if (kind === "CSV") this.download(this.csv(), "text/csv;charset=utf-8", "csv");
    else if (kind === "SVG") this.download(new XMLSerializer().serializeToString(this.svg(this.view)), "image/svg+xml", "svg");
    else this.savePng();
  }

  download(content, type, suffix) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    link.download = `who_can_do_what.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  csv() {
    const heading = [this.corner[0], this.corner[1], ...this.columns.map((one) => [one.above, one.name, one.size].filter(Boolean).join(" "))];
    const lines = this.view.flat().map((index) => {
      const row = this.rows[index];
      return [row.name, row.note, ...row.cells.map((number) => this.kinds[number].words)];
    });
    return [heading, ...lines].map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
  }

  svg(view) {
    const [left, top, wide] = [250, 76, this.root.classList.contains("mm-counts") ? 172 : 100];
    const legend = this.model.get("legend");
    const [width, height] = [Math.max(left + this.columns.length * wide + 20, 560), top + view.length * 24 + legend.length * 20 + 40];
    const root = svgElement("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "sans-serif", "font-size": 12 });
    root.append(svgElement("rect", { width, height, fill: "#fff" }));
    const write = (x, y, text, more = {}) => root.append(svgElement("text", { x, y, fill: "#222", ...more }, text));
    write(10, 20, this.model.get("caption"), { "font-weight": "bold" });
    this.columns.forEach((column, index) => {
      write(left + index * wide, top - 26, column.above);
      write(left + index * wide, top - 10, `${this.fitText(column.name, wide / 7)} ${column.size}`, { "font-weight": "bold" });
    });
    view.forEach((group, place) => {
      const y = top + place * 24;
      write(10, y + 16, this.fitText(this.nameOf(group), 34));
      this.rows[group[0]].cells.forEach((number, index) =>
        this.paintSigns(root, this.kinds[number].signs, left + index * wide, y + 3, wide > 100 ? 40 : 22));
    });
    legend.forEach((key, index) => {
      const y = top + view.length * 24 + index * 20 + 20;
      this.paintSigns(root, key.signs.map(([text, kind]) => [text, "", kind]), 10, y - 13, 22);
      write(16 + key.signs.length * 24, y, key.meaning);
    });
    return root;
  }

  paintSigns(root, signs, x, y, wide) {
    signs.forEach((sign, place) => {
      if (!sign) return;
      const hue = PAINT[sign[2].at(-2)] ?? "#767676";
      const isFull = sign[2].endsWith("2") && hue !== "#767676";
      const isMark = hue !== "#767676";
      const at = x + place * (wide + 2);
      if (isMark) root.append(svgElement("rect", { x: at, y, width: wide, height: 18, rx: 3, fill: isFull ? hue : "none", stroke: hue }));
      root.append(svgElement("text", { x: at + wide / 2, y: y + 13, "text-anchor": "middle", fill: isFull ? "#fff" : "#222" }, sign[0] + sign[1]));
    });
  }

  fitText(text, most) {
    const letters = [...text];
    return letters.length <= most ? text : `${letters.slice(0, most / 2 - 1).join("")}…${letters.slice(-most / 2).join("")}`;
  }

  savePng() {
    const picture = this.svg(this.view.slice(0, MAX_PNG_ROWS));
    const image = new Image();
    image.onload = () => {
      const canvas = make("canvas");
      const scale = this.view.length < 300 ? 2 : 1;
      [canvas.width, canvas.height] = [image.width * scale, image.height * scale];
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => blob && this.download(blob, "image/png", "png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(picture))}`;
  }
}

export default {
  render({ model, el }) {
    const picture = new Picture(model, el);
    return () => picture.destroy();
  },
};
