// The table of the console and of long results: rows to sort, search and select, by mouse, keyboard and screen reader.
//
// Values become text by textContent and nothing else. Only the rows in sight are in the page. The tab stop is one cell at
// a time, which the arrow keys move; the notebook around it must not hear them, so they end here.

const ROW_HEIGHT = 32;
const TWO_LINES_HEIGHT = 54;
const ROWS_IN_SIGHT = 12;
const TWO_LINE_ROWS_IN_SIGHT = 7;
const ROWS_AROUND = 6; // drawn beyond those in sight, so that scrolling shows no gaps
const SMALL_PIXELS = 600; // below, rows have no buttons
const NARROW_PIXELS = 440; // below, a row has two lines if it has columns for the second
const TAIL = 8; // characters of a long name's end that stay: names that are much alike mostly differ there
const PIXELS_OF_A_LETTER = 7.2;
const SECONDS_TO_TELL = 0.25; // how long the search has to rest before Python hears of it

const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
const formatTime = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
const formatHours = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function textOf(value, kind) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.join(", ");
  if (kind === "time") return formatTime.format(new Date(value));
  return kind === "number" ? value.toLocaleString() : value;
}

// Numbers before words, as "all" is more than any number; nothing comes first.
function compareValues(a, b, kind) {
  if (kind === "chips") {
    const [left, right] = [[a].flat(), [b].flat()]; // a word in place of names is one
    return left.length - right.length || compare(left.join(), right.join());
  }
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return compare(a, b);
}

class Table {
  constructor(model, el) {
    this.model = model;
    this.height = ROW_HEIGHT;
    this.order = []; // indices of all rows, sorted
    this.view = []; // those of them that the search leaves
    this.drawn = new Map(); // position in the view -> its element
    this.first = model.get("has_checks") ? 1 : 0; // where names stand
    this.active = { row: 0, column: this.first }; // the tab stop; row -1 is the heading
    this.anchor = null; // where a range that Shift selects begins
    this.build(el);
    this.listen();
    this.takeColumns();
    this.takeRows();
  }

  build(el) {
    const label = this.model.get("label");
    this.root = make("div", `mm-data${this.model.get("has_checks") ? "" : " mm-no-checks"}`);
    this.search = make("input", "mm-search");
    Object.assign(this.search, { type: "search", placeholder: `Search ${label.toLowerCase()}`, spellcheck: false });
    this.search.setAttribute("aria-label", `Search ${label.toLowerCase()}`);
    this.search.autocomplete = "off";
    this.search.value = this.model.get("filter");
    this.count = make("div", "mm-count");
    this.count.setAttribute("role", "status");
    this.old = make("div", "mm-old", "Not up to date");
    const tools = make("div", "mm-tools");
    tools.append(this.search, this.count, this.old);
    this.grid = make("div", "mm-grid");
    this.grid.setAttribute("role", "grid");
    this.grid.setAttribute("aria-label", label);
    this.grid.setAttribute("aria-multiselectable", "true");
    this.head = make("div", "mm-row mm-head");
    this.head.setAttribute("role", "row");
    this.head.setAttribute("aria-rowindex", "1");
    const heading = make("div", "mm-heading");
    heading.setAttribute("role", "rowgroup");
    heading.append(this.head);
    this.space = make("div", "mm-space");
    this.space.setAttribute("role", "rowgroup");
    this.empty = make("div", "mm-empty");
    this.grid.append(heading, this.space);
    this.tip = make("div", "mm-tip");
    this.tip.setAttribute("aria-hidden", "true");
    this.root.append(tools, this.grid, this.empty, this.tip);
    el.append(this.root);
  }

  listen() {
    const changes = {
      "change:columns change:actions": () => { this.takeColumns(); this.takeRows(); },
      "change:rows": () => this.takeRows(),
      "change:selected": () => this.showSelection(),
      "change:sort change:descending": () => { this.sort(); this.showSorting(); },
      "change:filter": () => {
        if (this.search.value === this.model.get("filter")) return;
        this.search.value = this.model.get("filter");
        this.find();
      },
      "change:is_old change:note": () => this.showCount(),
    };
    this.handlers = Object.entries(changes);
    for (const [names, handler] of this.handlers) this.model.on(names, handler);
    this.search.addEventListener("input", () => { this.find(); this.tellLater(); });
    this.search.addEventListener("keydown", (event) => this.onSearchKey(event));
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.grid.addEventListener("keydown", (event) => this.onKey(event));
    this.grid.addEventListener("click", (event) => this.onClick(event));
    this.grid.addEventListener("dblclick", (event) => this.onDoubleClick(event));
    this.grid.addEventListener("scroll", () => { this.hideTip(); this.drawSoon(); });
    this.grid.addEventListener("focusin", (event) => this.onFocus(event));
    this.grid.addEventListener("focusout", () => this.hideTip());
    this.grid.addEventListener("mouseover", (event) => this.showTip(event.target.closest(".mm-cell")));
    this.grid.addEventListener("mouseleave", () => this.hideTip());
    // Lumino, under JupyterLab and Notebook, hears keys before any element does, and leaves those alone whose target says
    // so. This is heard even before. Ctrl+S still saves.
    this.onAnyKey = (event) => {
      if (!this.root.contains(event.target)) return;
      const isOthers = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
      if (isOthers) delete event.target.dataset.lmSuppressShortcuts;
      else event.target.dataset.lmSuppressShortcuts = "true";
    };
    window.addEventListener("keydown", this.onAnyKey, true);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(this.root);
  }

  destroy() {
    window.removeEventListener("keydown", this.onAnyKey, true);
    this.sizes.disconnect();
    clearTimeout(this.timer);
    for (const [names, handler] of this.handlers) this.model.off(names, handler);
  }

  // What is to be shown

  takeColumns() {
    this.columns = this.model.get("columns");
    this.actions = this.model.get("actions");
    this.head.replaceChildren();
    this.all = make("input", "mm-check");
    this.all.type = "checkbox";
    this.all.setAttribute("aria-label", "Select all shown");
    const first = this.headCell("mm-checks");
    first.append(this.all);
    this.columns.forEach((column, index) => {
      const cell = this.headCell(`mm-${column.kind} mm-line${column.line}`);
      cell.append(make("span", "mm-title", column.label), make("span", "mm-arrow"));
      cell.dataset.column = index + 1;
    });
    if (this.actions.length) this.headCell("mm-actions").append(make("span", "mm-hidden", "Actions"));
    this.grid.setAttribute("aria-colcount", this.head.children.length);
    this.fit();
    this.showSorting();
  }

  headCell(className) {
    const cell = make("div", `mm-cell ${className}`);
    cell.setAttribute("role", "columnheader");
    this.head.append(cell);
    cell.setAttribute("aria-colindex", this.head.children.length);
    return cell;
  }

  takeRows() {
    this.rows = this.model.get("rows");
    this.byKey = new Map(this.rows.map((row, index) => [row.key, index]));
    const kinds = this.columns.map((column) => column.kind);
    this.texts = this.rows.map((row) =>
      row.cells.map((value, index) => textOf(value, kinds[index])).join("\n").toLocaleLowerCase());
    this.sort();
  }

  sort() {
    const column = this.columns.findIndex((each) => each.name === this.model.get("sort"));
    this.order = this.rows.map((_, index) => index);
    if (column >= 0) {
      const { kind } = this.columns[column];
      const sign = this.model.get("descending") ? -1 : 1;
      this.order.sort((a, b) => sign * compareValues(this.rows[a].cells[column], this.rows[b].cells[column], kind));
    }
    this.find();
  }

  find() {
    const key = this.keyAt(this.active.row);
    const words = this.search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    this.view = this.order.filter((index) => words.every((word) => this.texts[index].includes(word)));
    this.places = null;
    if (this.active.row < 0 && !this.head.contains(document.activeElement)) this.active.row = 0;
    const place = key === undefined ? -1 : this.view.indexOf(this.byKey.get(key));
    if (this.active.row >= 0) this.active.row = place >= 0 ? place : Math.max(0, Math.min(this.active.row, this.view.length - 1));
    const hadFocus = this.grid.contains(document.activeElement);
    this.redraw();
    if (hadFocus && !this.grid.contains(document.activeElement)) this.focusActive();
  }

  keyAt(place) {
    return this.rows && place >= 0 && place < this.view.length ? this.rows[this.view[place]]?.key : undefined;
  }

  // Drawing

  fit() {
    const width = this.root.clientWidth;
    if (!width || !this.columns) return;
    this.isNarrow = width < NARROW_PIXELS && this.columns.some((column) => column.line > 1);
    const isSmall = width < SMALL_PIXELS;
    this.root.classList.toggle("mm-narrow", this.isNarrow);
    this.root.classList.toggle("mm-small", isSmall);
    const shown = this.isNarrow ? this.columns.filter((column) => column.line === 1) : this.columns;
    const letters = this.actions.reduce((sum, action) => sum + action.label.length + 3, 0);
    const end = isSmall || !letters ? "" : ` ${Math.round(letters * PIXELS_OF_A_LETTER) + 16}px`;
    this.end = end ? parseInt(end, 10) : 0;
    const tracks = shown.map((column) => `minmax(${column.kind === "number" ? "5.2em" : "0"}, ${column.weight}fr)`);
    const checks = this.model.get("has_checks") ? "2.4em " : "";
    this.root.style.setProperty("--mm-tracks", `${checks}${tracks.join(" ")}${end}`);
    const total = this.columns.reduce((sum, column) => sum + column.weight, 0);
    this.pixels = this.columns.map((column) =>
      this.isNarrow ? width - 60 : ((width - 60 - this.end) * column.weight) / total);
    this.height = this.isNarrow && this.columns.some((column) => column.line === 2) ? TWO_LINES_HEIGHT : ROW_HEIGHT;
    if (this.rows) this.redraw();
  }

  redraw() {
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
    this.space.style.height = `${this.view.length * this.height}px`;
    const rows = this.height === ROW_HEIGHT ? ROWS_IN_SIGHT : TWO_LINE_ROWS_IN_SIGHT;
    this.grid.style.maxHeight = `${rows * this.height + ROW_HEIGHT + 2}px`;
    this.grid.setAttribute("aria-rowcount", this.view.length + 1);
    this.draw();
    this.showSelection();
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
      if (this.grid.contains(document.activeElement)) this.showTip(document.activeElement.closest(".mm-cell"));
    });
  }

  draw() {
    const top = this.grid.scrollTop;
    const sight = this.grid.clientHeight || ROWS_IN_SIGHT * this.height;
    const from = Math.max(0, Math.floor(top / this.height) - ROWS_AROUND);
    const to = Math.min(this.view.length, Math.ceil((top + sight) / this.height) + ROWS_AROUND);
    const wanted = new Set();
    for (let place = from; place < to; place++) wanted.add(place);
    if (this.active.row >= 0 && this.active.row < this.view.length) wanted.add(this.active.row); // it has the focus
    for (const [place, element] of this.drawn) {
      if (wanted.has(place)) continue;
      element.remove();
      this.drawn.delete(place);
    }
    for (const place of [...wanted].sort((a, b) => a - b)) {
      if (this.drawn.has(place)) continue;
      const element = this.makeRow(place);
      this.drawn.set(place, element);
      const next = [...this.drawn.keys()].filter((other) => other > place).sort((a, b) => a - b)[0];
      this.space.insertBefore(element, next === undefined ? null : this.drawn.get(next));
    }
    this.showTabStop();
  }

  makeRow(place) {
    const row = this.rows[this.view[place]];
    const name = this.nameOf(row);
    const element = make("div", `mm-row${place % 2 ? " mm-odd" : ""}`);
    element.setAttribute("role", "row");
    element.setAttribute("aria-rowindex", place + 2);
    element.style.transform = `translateY(${place * this.height}px)`;
    element.style.height = `${this.height}px`;
    element.dataset.place = place;
    const box = make("input", "mm-check");
    box.type = "checkbox";
    box.setAttribute("aria-label", `Select ${name}`);
    this.cell(element, "mm-checks").append(box);
    this.columns.forEach((column, index) => {
      const cell = this.cell(element, `mm-${column.kind} mm-line${column.line}`);
      this.fill(cell, row.cells[index], column.kind, this.pixels?.[index] ?? 200);
    });
    if (this.actions.length) this.addActions(element, row, name);
    this.markSelected(element, row.key);
    return element;
  }

  // What a row is called where it is read aloud.
  nameOf(row) {
    const names = this.model.get("named_by");
    const texts = this.columns.map((column, index) => names.includes(column.name) && textOf(row.cells[index], column.kind));
    return texts.filter(Boolean).join(" ");
  }

  cell(row, className) {
    const cell = make("div", `mm-cell ${className}`);
    cell.setAttribute("role", "gridcell");
    row.append(cell);
    cell.setAttribute("aria-colindex", row.children.length);
    return cell;
  }

  fill(cell, value, kind, pixels) {
    const text = textOf(value, kind);
    cell.dataset.full = text;
    if (kind === "time" && new Date(value).toDateString() === new Date().toDateString()) {
      cell.append(make("span", "mm-begin", formatHours.format(new Date(value))));
      return undefined;
    }
    if (Array.isArray(value)) return this.fillChips(cell, value, pixels);
    const letters = [...text];
    const isLong = kind === "text" && letters.length >= 3 * TAIL;
    cell.append(make("span", "mm-begin", isLong ? letters.slice(0, -TAIL).join("") : text));
    if (isLong) {
      cell.append(make("span", "mm-tail", letters.slice(-TAIL).join("")));
      cell.setAttribute("aria-label", text); // else both parts would be read as two words
    }
    return undefined;
  }

  fillChips(cell, names, pixels) {
    let room = pixels / PIXELS_OF_A_LETTER - 4;
    let shown = 0;
    for (const name of names) {
      room -= Math.min(name.length, 24) + 3;
      if (shown && room < 0) break;
      cell.append(make("span", "mm-chip", name));
      shown += 1;
    }
    if (shown < names.length) {
      cell.append(make("span", "mm-more", `+${names.length - shown}`));
      cell.setAttribute("aria-label", names.join(", "));
    }
  }

  addActions(element, row, name) {
    const cell = this.cell(element, "mm-actions");
    for (const action of this.actions) {
      if (row.actions && !row.actions.includes(action.name)) continue;
      const button = make("button", `mm-action${action.is_dangerous ? " mm-danger" : ""}`, action.label);
      button.type = "button";
      button.dataset.action = action.name;
      button.setAttribute("aria-label", `${action.label} ${name}`);
      cell.append(button);
    }
  }

  showSorting() {
    for (const cell of this.head.children) {
      if (!cell.dataset.column) continue;
      const isSorted = this.columns[cell.dataset.column - 1].name === this.model.get("sort");
      const isDown = this.model.get("descending");
      cell.setAttribute("aria-sort", isSorted ? (isDown ? "descending" : "ascending") : "none");
      cell.querySelector(".mm-arrow").textContent = isSorted ? (isDown ? "▼" : "▲") : "";
    }
  }

  showSelection() {
    this.chosen = new Set(this.model.get("selected"));
    for (const [place, element] of this.drawn) this.markSelected(element, this.keyAt(place));
    const count = this.view.reduce((sum, index) => sum + this.chosen.has(this.rows[index].key), 0);
    this.all.checked = count > 0 && count === this.view.length;
    this.all.indeterminate = count > 0 && count < this.view.length;
    this.hiddenCount = this.chosen.size - count;
    this.showCount();
  }

  markSelected(element, key) {
    const isSelected = (this.chosen ??= new Set(this.model.get("selected"))).has(key);
    element.setAttribute("aria-selected", isSelected);
    element.classList.toggle("mm-selected", isSelected);
    element.querySelector(".mm-check").checked = isSelected;
  }

  showCount() {
    const { length } = this.rows ?? [];
    const things = (length === 1 ? this.model.get("noun") : this.model.get("label")).toLowerCase();
    const parts = [this.view.length === length ? `${length.toLocaleString()} ${things}` :
      `${this.view.length.toLocaleString()} of ${length.toLocaleString()} ${things}`];
    if (this.chosen?.size) parts.push(`${this.chosen.size.toLocaleString()} selected`);
    if (this.hiddenCount > 0) parts[parts.length - 1] += ` (${this.hiddenCount.toLocaleString()} not shown)`;
    const text = parts.join(" · ");
    if (this.count.textContent !== text) this.count.textContent = text; // each change is read aloud
    this.root.classList.toggle("mm-is-old", this.model.get("is_old"));
    this.empty.textContent = this.view.length ? "" : length ? "Nothing matches the search." : this.model.get("note");
  }

  // The tab stop

  // What of a row can have the focus, by column: the check box, each cell, each of its buttons.
  stops(row) {
    const [first, ...others] = row.children;
    const cells = others.filter((cell) => !cell.classList.contains("mm-actions"));
    const stops = [first.firstChild, ...cells, ...row.querySelectorAll(".mm-action")];
    return stops.filter((stop) => stop.offsetParent !== null); // what a narrow window leaves out has none
  }

  rowElement(place) {
    return place < 0 ? this.head : this.drawn.get(place);
  }

  activeStop() {
    const row = this.rowElement(this.active.row);
    if (!row) return null;
    const stops = this.stops(row);
    return stops[Math.min(this.active.column, stops.length - 1)];
  }

  showTabStop() {
    for (const element of this.grid.querySelectorAll("[tabindex], input, button")) element.tabIndex = -1;
    if (!this.view.length) this.active.row = -1;
    const stop = this.activeStop();
    if (stop) stop.tabIndex = 0;
    else this.all.tabIndex = 0;
  }

  focusActive() {
    const { row } = this.active;
    if (row >= 0) {
      const top = row * this.height;
      const sight = this.grid.clientHeight - ROW_HEIGHT;
      if (top < this.grid.scrollTop) this.grid.scrollTop = top;
      else if (top + this.height > this.grid.scrollTop + sight) this.grid.scrollTop = top + this.height - sight;
    }
    this.draw();
    this.activeStop()?.focus({ preventScroll: true });
    this.showTabStop();
  }

  onFocus(event) {
    const row = event.target.closest(".mm-row");
    if (!row) return;
    this.active.row = row === this.head ? -1 : Number(row.dataset.place);
    const column = this.stops(row).indexOf(event.target);
    if (column >= 0) this.active.column = column;
    this.showTabStop();
    this.showTip(event.target.closest(".mm-cell"));
  }

  onKey(event) {
    const { row, column } = this.active;
    const last = this.view.length - 1;
    const page = Math.max(1, Math.floor((this.grid.clientHeight - ROW_HEIGHT) / this.height) - 1);
    const width = this.stops(this.rowElement(row) ?? this.head).length - 1;
    const isFar = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowDown: [Math.min(row + 1, last), column],
      ArrowUp: [Math.max(row - 1, -1), column],
      ArrowRight: [row, Math.min(column + 1, width)],
      ArrowLeft: [row, Math.max(Math.min(column, width) - 1, 0)],
      PageDown: [Math.min(row + page, last), column],
      PageUp: [Math.max(row - page, Math.min(0, last)), column],
      Home: isFar ? [Math.min(0, last), column] : [row, 0],
      End: isFar ? [last, column] : [row, width],
    };
    if (moves[event.key]) {
      [this.active.row, this.active.column] = moves[event.key];
      this.focusActive();
    } else if (event.key === " ") this.onSpace(event);
    else if (event.key === "Enter") this.onEnter(event);
    else if (isFar && event.key.toLowerCase() === "a") this.selectAll(true);
    else if (event.key === "Escape" && this.chosen.size) this.select([]);
    else return;
    event.preventDefault();
  }

  onSpace(event) {
    if (event.target.dataset.action) this.act(event.target.dataset.action, this.keyAt(this.active.row));
    else if (this.active.row < 0) this.onHeading(event.target.closest(".mm-cell"));
    else this.toggle(this.active.row, event.shiftKey);
  }

  onEnter(event) {
    if (event.target.dataset.action) this.act(event.target.dataset.action, this.keyAt(this.active.row));
    else if (this.active.row < 0) this.onHeading(event.target.closest(".mm-cell"));
    else this.open(this.active.row);
  }

  onSearchKey(event) {
    if (event.key === "ArrowDown" && this.view.length) {
      this.active = { row: 0, column: this.first };
      this.focusActive();
      event.preventDefault();
    } else if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.find();
      this.tellLater();
      event.preventDefault();
    } else if (event.key === "Enter" && this.view.length) {
      this.open(0);
      event.preventDefault();
    }
  }

  // Selecting and acting

  onClick(event) {
    const row = event.target.closest(".mm-row");
    if (!row) return;
    if (row === this.head) return this.onHeading(event.target.closest(".mm-cell"));
    const place = Number(row.dataset.place);
    const { action } = event.target.dataset;
    if (action) return this.act(action, this.keyAt(place));
    if (event.target.classList.contains("mm-check")) return this.toggle(place, event.shiftKey);
    if (String(window.getSelection())) return undefined; // somebody marks a name to copy it
    this.active.row = place;
    if (event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".mm-checks"))
      this.toggle(place, event.shiftKey);
    else this.select([this.keyAt(place)], place);
    return this.focusActive();
  }

  onDoubleClick(event) {
    const row = event.target.closest(".mm-row");
    if (row && row !== this.head && !event.target.closest("input, button")) this.open(Number(row.dataset.place));
  }

  onHeading(cell) {
    if (!cell) return;
    if (cell.classList.contains("mm-checks")) this.selectAll(!this.view.every((index) => this.chosen.has(this.rows[index].key)));
    if (!cell.dataset.column) return;
    const { name } = this.columns[cell.dataset.column - 1];
    const isSame = name === this.model.get("sort");
    this.model.set("descending", isSame && !this.model.get("descending"));
    this.model.set("sort", name);
    this.model.save_changes();
  }

  toggle(place, isRange) {
    const key = this.keyAt(place);
    const chosen = new Set(this.chosen);
    const isOn = !chosen.has(key);
    const start = isRange && this.anchor !== null ? this.anchor : place;
    for (let each = Math.min(start, place); each <= Math.max(start, place); each++)
      chosen[isOn ? "add" : "delete"](this.keyAt(each));
    this.select([...chosen], place);
  }

  selectAll(isOn) {
    const chosen = new Set(this.chosen);
    for (const index of this.view) chosen[isOn ? "add" : "delete"](this.rows[index].key);
    this.select([...chosen]);
  }

  select(keys, anchor = null) {
    this.anchor = anchor;
    this.model.set("selected", keys);
    this.model.save_changes();
    this.showSelection();
  }

  open(place) {
    this.active.row = place;
    this.select([this.keyAt(place)], place);
    const action = this.model.get("default_action");
    if (action) this.act(action, this.keyAt(place));
  }

  act(name, key) {
    this.tell();
    this.model.send({ type: "action", name, key });
  }

  tellLater() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), SECONDS_TO_TELL * 1000);
  }

  tell() {
    clearTimeout(this.timer);
    if (this.search.value === this.model.get("filter")) return;
    this.model.set("filter", this.search.value);
    this.model.save_changes();
  }

  // The full text of what is cut, while it is pointed at or has the focus

  showTip(cell) {
    this.hideTip();
    if (!cell?.dataset.full || cell.closest(".mm-head")) return;
    const begin = cell.querySelector(".mm-begin, .mm-chip");
    const isCut = cell.classList.contains("mm-time") || cell.querySelector(".mm-more") || cell.scrollWidth > cell.clientWidth + 1 ||
      (begin && begin.scrollWidth > begin.clientWidth + 1);
    if (!isCut) return;
    const [inside, around] = [cell.getBoundingClientRect(), this.root.getBoundingClientRect()];
    this.tip.textContent = cell.dataset.full;
    this.tip.style.display = "block";
    this.tip.style.left = `${Math.max(0, Math.min(inside.left - around.left, around.width - this.tip.offsetWidth))}px`;
    this.tip.style.top = `${inside.bottom - around.top + 2}px`;
  }

  hideTip() {
    this.tip.style.display = "none";
  }
}

export default {
  render({ model, el }) {
    const table = new Table(model, el);
    return () => table.destroy();
  },
};
