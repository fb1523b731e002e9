// Blocks: each term with its sign and weight, to be dragged, moved and grouped.

class Blocks {
  constructor(model, link) {
    Object.assign(this, { model, link });
    this.selected = new Set();
    this.focus = null;
    this.element = el("div", { class: "z-blocks", role: "list", "aria-label": "Terms of the expression" });
    this.group = button("Group", "Group the selected terms", () => {
      const paths = [...this.selected].map((key) => JSON.parse(key));
      this.selected.clear();
      this.link.ask({ do: "group", paths });
    });
    this.acceptDrops(this.element, []);
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
    this.updateWeights(blocks, []);
    this.group.disabled = !this.groupable();
  }

  build(blocks, thumbnails) {
    const active = this.element.getRootNode().activeElement;
    const focused = active && this.element.contains(active) ? active : null;
    const path = this.focus ?? focused?.closest(".z-block")?.dataset.path;
    const control = focused?.dataset.control;
    this.parts = new Map();
    replace(this.element, this.row(blocks, [], thumbnails));
    if (!blocks.length) {
      this.element.append(el("p", { class: "z-soft z-empty", text: "Click or drag a picture or word to begin." }));
    }
    if (path) {
      const block = [...this.element.querySelectorAll(".z-block")].find((element) => element.dataset.path === path);
      const controls = [...(block?.querySelectorAll("[data-control]") ?? [])];
      (controls.find((element) => element.dataset.control === control) ?? block)?.focus();
    }
    this.focus = null;
  }

  row(blocks, parent, thumbnails) {
    return blocks.map((block, i) => this.block(block, [...parent, i], blocks.length, thumbnails));
  }

  block(block, path, count, thumbnails) {
    const key = JSON.stringify(path);
    const name = this.name(block);
    const sign = button("", "", () => this.reweight(path, -this.weightOf(path)), { class: "z-sign", data: { control: "sign" } });
    const slider = el("input", {
      type: "range", min: "-2", max: "2", step: "0.05", "aria-label": `Weight of ${name}`, data: { control: "slider" },
      oninput: () => this.reweight(path, Number(slider.value)),
    });
    const number = el("input", {
      type: "number", step: "0.05", "aria-label": `Weight of ${name}, as a number`, data: { control: "number" },
      oninput: () => number.value !== "" && Number.isFinite(Number(number.value)) && this.reweight(path, Number(number.value), number),
    });
    const select = el("input", {
      type: "checkbox", "aria-label": `Select ${name}`, title: "Select to group", data: { control: "select" },
      onchange: () => {
        if (select.checked) this.selected.add(key);
        else this.selected.delete(key);
        this.group.disabled = !this.groupable();
      },
    });
    const index = path.at(-1);
    const tools = el("div", { class: "z-tools" }, select,
      button("‹", `Move ${name} left`, () => this.shift(path, -1, count), { disabled: index === 0, data: { control: "left" } }),
      button("›", `Move ${name} right`, () => this.shift(path, 1, count), { disabled: index === count - 1, data: { control: "right" } }),
      block.kind === "image" ? button("▭", `Use a part of ${name}`, () => this.crop(key, path, block), { data: { control: "crop" } }) : null,
      block.kind === "group" ? button("( )", "Ungroup", () => this.link.ask({ do: "ungroup", path }), { data: { control: "ungroup" } }) : null,
      button("×", `Remove ${name}`, () => this.link.ask({ do: "remove", path }), { data: { control: "remove" } }));
    this.parts.set(key, { sign, slider, number });
    const body = this.body(block, path, thumbnails);
    const card = el("div", {
      class: `z-block z-${block.kind}`, tabindex: "0", role: "group", draggable: "true", "aria-label": `Term ${name}`,
      title: block.kind === "group" ? undefined : name, data: { path: key, kind: block.kind },
      onkeydown: (event) => this.onKey(event, path, count),
      ondragstart: (event) => {
        if (event.target !== card) return;
        event.stopPropagation();
        event.dataTransfer.setData(DRAGGED, JSON.stringify({ path }));
        event.dataTransfer.effectAllowed = "move";
      },
    }, tools, body, el("div", { class: "z-weight" }, slider, number));
    // Dragging a slider must not drag the block.
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
      this.acceptDrops(inner, path);
      return inner;
    }
    if (block.kind === "image") {
      const part = block.box ? el("span", { class: "z-part" }) : null;
      const frame = el("div", { class: "z-frame" }, thumbnail(thumbnails[block.name], block.name), part);
      if (part) {
        frame.classList.add("z-cropped");
        whenShown(frame, () => place(part, frame, block.box));
      }
      return el("figure", {}, frame, el("figcaption", { text: block.box ? `part of ${block.name}` : block.name }));
    }
    return el("div", { class: "z-label", text: block.kind === "text" ? `“${block.name}”` : block.name });
  }

  // Draw a rectangle on the picture; a click without a drag, or Escape, takes the whole again.
  crop(key, path, block) {
    const card = [...this.element.querySelectorAll(".z-block")].find((one) => one.dataset.path === key);
    const frame = card.querySelector(".z-frame");
    if (frame.classList.contains("z-drawing")) return;
    frame.querySelector(".z-part")?.remove();
    frame.classList.add("z-drawing", "z-cropped");
    card.draggable = false;
    const part = el("span", { class: "z-part" });
    let from = null;
    const end = (box) => {
      frame.classList.remove("z-drawing");
      card.draggable = true;
      document.removeEventListener("keydown", onEscape, true);
      this.shape = null;
      this.link.ask({ do: "crop", path, box });
    };
    const onEscape = (event) => event.key === "Escape" && (event.stopPropagation(), end(null));
    document.addEventListener("keydown", onEscape, true);
    frame.setAttribute("title", "Draw a rectangle; Escape takes the whole picture");
    frame.onpointerdown = (event) => {
      event.preventDefault();
      event.stopPropagation();
      from = shares(frame, event);
      frame.setPointerCapture(event.pointerId);
      frame.append(part);
      place(part, frame, boxOf(from, from));
    };
    frame.onpointermove = (event) => from && place(part, frame, boxOf(from, shares(frame, event)));
    frame.onpointerup = (event) => {
      const box = boxOf(from, shares(frame, event));
      frame.onpointerdown = frame.onpointermove = frame.onpointerup = null;
      end(box[2] - box[0] > 0.02 && box[3] - box[1] > 0.02 ? box : null);
    };
  }

  name(block) {
    if (block.kind === "group") return "the group";
    return block.kind === "image" ? `picture ${block.name}` : block.name;
  }

  weightOf(path) {
    let blocks = this.model.get("state")?.blocks ?? [];
    let block = null;
    for (const i of path) {
      block = blocks[i];
      blocks = block?.inner ?? [];
    }
    return block?.weight ?? 1;
  }

  reweight(path, weight, typing = null) {
    const key = JSON.stringify(path);
    this.showWeight(this.parts.get(key), weight, typing);
    this.link.ask({ do: "reweight", path, weight }, `reweight ${key}`);
  }

  // `typing` is the number field being typed in, whose text must not change.
  showWeight({ sign, slider, number }, weight, typing = null) {
    const negative = weight < 0 || Object.is(weight, -0);
    sign.textContent = negative ? "−" : "+";
    sign.setAttribute("aria-label", negative ? "Minus: change the sign" : "Plus: change the sign");
    sign.title = "Change the sign";
    const rounded = String(Number(weight.toFixed(4)));
    if (slider.value !== rounded) slider.value = rounded;
    if (number !== typing && number.value !== rounded) number.value = rounded;
  }

  updateWeights(blocks, parent) {
    blocks.forEach((block, i) => {
      const path = [...parent, i];
      const key = JSON.stringify(path);
      const parts = this.parts.get(key);
      const active = this.element.getRootNode().activeElement;
      const typing = parts.number === active;
      if (!this.link.pending(`reweight ${key}`) && !parts.slider.matches(":active")) {
        this.showWeight(parts, block.weight, typing && Number(parts.number.value) === block.weight ? parts.number : null);
      }
      if (block.inner) this.updateWeights(block.inner, path);
    });
  }

  groupable() {
    const rows = new Set([...this.selected].map((key) => JSON.stringify(JSON.parse(key).slice(0, -1))));
    return this.selected.size > 1 && rows.size === 1;
  }

  shift(path, by, count) {
    const index = path.at(-1);
    if (index + by < 0 || index + by >= count) return;
    const parent = path.slice(0, -1);
    this.focus = JSON.stringify([...parent, index + by]);
    this.link.ask({ do: "move", path, to: [...parent, by < 0 ? index - 1 : index + 2] });
  }

  onKey(event, path, count) {
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

  // The index at which a drop inserts: before the first block whose middle is past the pointer.
  dropIndex(row, event) {
    const terms = [...row.children].filter((child) => child.classList.contains("z-term"));
    const index = terms.findIndex((term) => {
      const box = term.getBoundingClientRect();
      return event.clientY < box.top || (event.clientY <= box.bottom && event.clientX < box.left + box.width / 2);
    });
    return index < 0 ? terms.length : index;
  }

  acceptDrops(row, path) {
    const isTerm = (event) => [...(event.dataTransfer?.types ?? [])].includes(DRAGGED);
    row.addEventListener("dragover", (event) => {
      if (!isTerm(event)) return;
      event.preventDefault();
      event.stopPropagation();
      row.classList.add("z-over");
    });
    row.addEventListener("dragleave", () => row.classList.remove("z-over"));
    row.addEventListener("drop", (event) => {
      if (!isTerm(event)) return;
      event.preventDefault();
      event.stopPropagation();
      row.classList.remove("z-over");
      const to = [...path, this.dropIndex(row, event)];
      const { kind, name, path: from } = JSON.parse(event.dataTransfer.getData(DRAGGED));
      this.link.ask(from ? { do: "move", path: from, to } : { do: "add", kind, name, to });
    });
  }
}

// Where the picture lies in its frame, which shows all of it: left, top, width and height in pixels.
function pictureIn(frame) {
  const picture = frame.querySelector("img");
  const { clientWidth: width, clientHeight: height } = frame;
  const scale = Math.min(width / (picture?.naturalWidth || width), height / (picture?.naturalHeight || height));
  const [w, h] = [(picture?.naturalWidth || width) * scale, (picture?.naturalHeight || height) * scale];
  return [(width - w) / 2, (height - h) / 2, w, h];
}

function shares(frame, event) {
  const [left, top, width, height] = pictureIn(frame);
  const corner = frame.getBoundingClientRect();
  const within = (value) => Math.min(1, Math.max(0, value));
  return [within((event.clientX - corner.left - left) / width), within((event.clientY - corner.top - top) / height)];
}

function boxOf([x, y], [u, v]) {
  return [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];
}

function place(part, frame, box) {
  const [left, top, width, height] = pictureIn(frame);
  part.style.left = `${left + box[0] * width}px`;
  part.style.top = `${top + box[1] * height}px`;
  part.style.width = `${(box[2] - box[0]) * width}px`;
  part.style.height = `${(box[3] - box[1]) * height}px`;
}

function whenShown(frame, draw) {
  const picture = frame.querySelector("img");
  if (picture && !picture.complete) picture.addEventListener("load", draw, { once: true });
  requestAnimationFrame(draw);
}
