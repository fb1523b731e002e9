// Blocks: every term with its sign, weight and place; groups hold blocks of their own.

class Blocks {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.selected = new Set();
    this.focus = null;
    this.element = el("div", { class: "z-blocks", role: "list", "aria-label": "Terms of the expression" });
    this.group = button("Group", "Make a group of the selected terms", () => {
      const paths = [...this.selected].map((key) => JSON.parse(key));
      this.selected.clear();
      this.link.ask({ do: "group", paths });
    });
    this.takeDrops(this.element, []);
  }

  update() {
    const { blocks = [] } = this.model.get("state") ?? {};
    const thumbnails = this.model.get("thumbnails") ?? {};
    const shape = JSON.stringify([blocks, Object.keys(thumbnails)], (key, value) => (key === "weight" ? undefined : value));
    if (shape !== this.shape) {
      this.shape = shape;
      this.selected.clear();
      this.build(blocks, thumbnails);
    }
    this.weights(blocks, []);
    this.group.disabled = !this.groupable();
  }

  build(blocks, thumbnails) {
    const active = this.element.getRootNode().activeElement;
    const held = active && this.element.contains(active) ? active : null;
    const path = this.focus ?? held?.closest(".z-block")?.dataset.path;
    const control = held?.dataset.control;
    this.parts = new Map();
    replace(this.element, this.row(blocks, [], thumbnails));
    if (!blocks.length) {
      this.element.append(el("p", { class: "z-soft z-empty", text: "Click or drag a picture or a word to begin." }));
    }
    if (path) {
      const block = [...this.element.querySelectorAll(".z-block")].find((one) => one.dataset.path === path);
      ([...(block?.querySelectorAll("[data-control]") ?? [])].find((one) => one.dataset.control === control) ?? block)?.focus();
    }
    this.focus = null;
  }

  row(blocks, above, thumbnails) {
    return blocks.map((block, i) => this.block(block, [...above, i], blocks.length, thumbnails));
  }

  block(block, path, count, thumbnails) {
    const key = JSON.stringify(path);
    const name = this.name(block);
    const sign = button("", "", () => this.weigh(path, -this.weightOf(path)), { class: "z-sign", data: { control: "sign" } });
    const slider = el("input", {
      type: "range", min: "-2", max: "2", step: "0.05", "aria-label": `Weight of ${name}`, data: { control: "slider" },
      oninput: () => this.weigh(path, Number(slider.value)),
    });
    const number = el("input", {
      type: "number", step: "0.05", "aria-label": `Weight of ${name} as a number`, data: { control: "number" },
      oninput: () => number.value !== "" && Number.isFinite(Number(number.value)) && this.weigh(path, Number(number.value), number),
    });
    const select = el("input", {
      type: "checkbox", "aria-label": `Select ${name}`, title: "Select, to make a group", data: { control: "select" },
      onchange: () => {
        if (select.checked) this.selected.add(key);
        else this.selected.delete(key);
        this.group.disabled = !this.groupable();
      },
    });
    const at = path.at(-1);
    const tools = el("div", { class: "z-tools" }, select,
      button("‹", `Move ${name} to the left`, () => this.shift(path, -1, count), { disabled: at === 0, data: { control: "left" } }),
      button("›", `Move ${name} to the right`, () => this.shift(path, 1, count), { disabled: at === count - 1, data: { control: "right" } }),
      block.kind === "group" ? button("( )", "Ungroup", () => this.link.ask({ do: "ungroup", path }), { data: { control: "ungroup" } }) : null,
      button("×", `Remove ${name}`, () => this.link.ask({ do: "remove", path }), { data: { control: "remove" } }));
    this.parts.set(key, { sign, slider, number });
    const body = this.body(block, path, thumbnails);
    const card = el("div", {
      class: `z-block z-${block.kind}`, tabindex: "0", role: "group", draggable: "true", "aria-label": `Term ${name}`,
      title: block.kind === "group" ? undefined : name, data: { path: key, kind: block.kind },
      onkeydown: (event) => this.key(event, path, count),
      ondragstart: (event) => {
        if (event.target !== card) return;
        event.stopPropagation();
        event.dataTransfer.setData(DRAGGED, JSON.stringify({ path }));
        event.dataTransfer.effectAllowed = "move";
      },
    }, tools, body, el("div", { class: "z-weight" }, slider, number));
    // a drag that begins on a slider moves the slider, not the block
    for (const control of [slider, number]) {
      control.addEventListener("pointerdown", () => { card.draggable = false; });
      control.addEventListener("pointerup", () => { card.draggable = true; });
      control.addEventListener("blur", () => { card.draggable = true; });
    }
    return el("div", { class: "z-term", role: "listitem" }, sign, card);
  }

  body(block, path, thumbnails) {
    if (block.kind === "group") {
      const inner = el("div", { class: "z-inner" }, ...this.row(block.inner, path, thumbnails));
      this.takeDrops(inner, path);
      return inner;
    }
    if (block.kind === "image") {
      return el("figure", {}, thumbnail(thumbnails[block.name], block.name), el("figcaption", { text: block.name }));
    }
    return el("div", { class: "z-says", text: block.kind === "text" ? `“${block.name}”` : block.name });
  }

  name(block) {
    if (block.kind === "group") return "the group";
    return block.kind === "image" ? `picture ${block.name}` : block.name;
  }

  weightOf(path) {
    let blocks = this.model.get("state")?.blocks ?? [];
    let found = null;
    for (const i of path) {
      found = blocks[i];
      blocks = found?.inner ?? [];
    }
    return found?.weight ?? 1;
  }

  weigh(path, weight, from = null) {
    const key = JSON.stringify(path);
    this.show(this.parts.get(key), weight, from);
    this.link.ask({ do: "weigh", path, weight }, `weigh ${key}`);
  }

  show({ sign, slider, number }, weight, from = null) {
    const below = weight < 0 || Object.is(weight, -0);
    sign.textContent = below ? "−" : "+";
    sign.setAttribute("aria-label", below ? "Minus: change the sign" : "Plus: change the sign");
    sign.title = "Change the sign";
    const rounded = String(Number(weight.toFixed(4)));
    if (slider.value !== rounded) slider.value = rounded;
    if (number !== from && number.value !== rounded) number.value = rounded;
  }

  weights(blocks, above) {
    blocks.forEach((block, i) => {
      const path = [...above, i];
      const key = JSON.stringify(path);
      const parts = this.parts.get(key);
      const active = this.element.getRootNode().activeElement;
      const typing = parts.number === active;
      if (!this.link.pending(`weigh ${key}`) && !parts.slider.matches(":active")) {
        this.show(parts, block.weight, typing && Number(parts.number.value) === block.weight ? parts.number : null);
      }
      if (block.inner) this.weights(block.inner, path);
    });
  }

  groupable() {
    const rows = new Set([...this.selected].map((key) => JSON.stringify(JSON.parse(key).slice(0, -1))));
    return this.selected.size > 1 && rows.size === 1;
  }

  shift(path, by, count) {
    const at = path.at(-1);
    if (at + by < 0 || at + by >= count) return;
    const above = path.slice(0, -1);
    this.focus = JSON.stringify([...above, at + by]);
    this.link.ask({ do: "move", path, to: [...above, by < 0 ? at - 1 : at + 2] });
  }

  key(event, path, count) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.altKey && by) {
      event.preventDefault();
      event.stopPropagation();
      this.shift(path, by, count);
    } else if (event.altKey && event.key === "ArrowUp" && path.length > 1) {
      event.preventDefault();
      event.stopPropagation();
      this.focus = JSON.stringify(path.slice(0, -1));
      this.link.ask({ do: "move", path, to: path.slice(0, -1) });
    } else if (["Delete", "Backspace"].includes(event.key) && event.target === event.currentTarget) {
      event.preventDefault();
      event.stopPropagation();
      this.link.ask({ do: "remove", path });
    }
  }

  // Where in a row something would be dropped: before the first block whose middle lies after it.
  place(row, event) {
    const terms = [...row.children].filter((child) => child.classList.contains("z-term"));
    const at = terms.findIndex((term) => {
      const box = term.getBoundingClientRect();
      return event.clientY < box.top || (event.clientY <= box.bottom && event.clientX < box.left + box.width / 2);
    });
    return at < 0 ? terms.length : at;
  }

  takeDrops(row, path) {
    const ours = (event) => [...(event.dataTransfer?.types ?? [])].includes(DRAGGED);
    row.addEventListener("dragover", (event) => {
      if (!ours(event)) return;
      event.preventDefault();
      event.stopPropagation();
      row.classList.add("z-over");
    });
    row.addEventListener("dragleave", () => row.classList.remove("z-over"));
    row.addEventListener("drop", (event) => {
      if (!ours(event)) return;
      event.preventDefault();
      event.stopPropagation();
      row.classList.remove("z-over");
      const to = [...path, this.place(row, event)];
      const { kind, name, path: from } = JSON.parse(event.dataTransfer.getData(DRAGGED));
      this.link.ask(from ? { do: "move", path: from, to } : { do: "add", kind, name, to });
    });
  }
}
