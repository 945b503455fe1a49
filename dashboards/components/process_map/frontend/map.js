// Process map as a Streamlit component. Python hands over the graph with all its words and gets back what was clicked.
import { bandsOf } from "./bands.js";
import { rampGradient } from "./colour.js";
import { drawBands, drawEdges, drawLabels, drawNodes, element, sized, stretchBands } from "./draw.js";
import { layout } from "./layout.js";
import { saveSvg } from "./save.js";
import { simplify } from "./simplify.js";
import { View } from "./view.js";

const maps = new WeakMap(); // one per root element: Streamlit calls the function below on every rerun

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pm");
  if (!maps.has(root)) maps.set(root, new ProcessMap(root, data));
  maps.get(root).update(data, (picked) => setTriggerValue("picked", picked));
}

class ProcessMap {
  constructor(root, data) {
    this.root = root;
    this.shares = { activities: data.activities, paths: data.paths };
    this.run = 0;
    root.innerHTML = FRAME;
    this.svg = root.querySelector("svg.canvas");
    this.tooltip = root.querySelector(".tooltip");
    this.view = new View(this.svg, () => this.pick(null), (group, left, right) => stretchBands(group, left, right));
    this.bindControls();
    new ResizeObserver(() => this.view.fit()).observe(root);
  }

  update(data, emit) {
    this.data = data;
    this.emit = emit;
    this.root.style.height = `${data.height}px`;
    const signature = JSON.stringify([data.nodes, data.edges, data.metric, data.teams, data.legend]);
    if (signature !== this.signature) {
      this.signature = signature;
      this.draw();
    } else if (data.selected && this.items && !this.items.some((item) => item.id === data.selected.id) && this.knows(data.selected.id)) {
      this.draw(); // what was chosen in the table is hidden by the sliders
    } else {
      this.mark();
    }
  }

  knows(id) {
    return [...this.data.nodes, ...this.data.edges].some((one) => one.id === id);
  }

  bindControls() {
    for (const slider of this.root.querySelectorAll("input[type=range]")) {
      const show = () => (slider.nextElementSibling.value = `${slider.value}%`);
      slider.value = this.shares[slider.name];
      show();
      slider.addEventListener("input", () => {
        this.shares[slider.name] = Number(slider.value);
        show();
        cancelAnimationFrame(this.frame);
        this.frame = requestAnimationFrame(() => this.draw());
      });
    }
    const actions = {
      in: () => this.view.zoom(1.25),
      out: () => this.view.zoom(0.8),
      fit: () => this.view.fit(),
      save: () => saveSvg(this.svg, this.root),
    };
    for (const button of this.root.querySelectorAll("button")) button.addEventListener("click", actions[button.name]);
  }

  async draw() {
    this.run += 1;
    const run = this.run;
    const { data } = this;
    const shown = simplify(data, this.shares.activities, this.shares.paths, data.selected);
    const font = getComputedStyle(this.root).fontFamily || "sans-serif";
    const nodes = sized(shown.nodes, font);
    const bands = bandsOf(nodes);
    const plan = await layout(nodes, shown.edges, bands);
    if (run !== this.run) return; // a newer drawing is under way

    const gutter = bandGutter(bands, font);
    this.svg.replaceChildren();
    const all = element("g", { class: "all" }, this.svg);
    const size = { width: plan.width + gutter, height: plan.height };
    drawBands(element("g", { class: "bands" }, all), plan.bands, data.teams);
    const drawing = element("g", { transform: `translate(${gutter},0)` }, all);
    const lines = drawEdges(element("g", {}, drawing), shown.edges, plan.edges, data.metric);
    const boxes = drawNodes(element("g", {}, drawing), nodes, plan.nodes, data.teams);
    drawLabels(element("g", { class: "labels" }, drawing), lines, nodes, plan.nodes, font);
    this.items = [
      ...boxes.filter(({ node }) => !node.kind).map(({ group, node }) => ({ type: "node", id: node.id, group, node, tip: node.tip })),
      ...lines.filter(({ edge }) => !edge.kind).map(({ group, edge, label }) => ({ type: "edge", id: edge.id, group, edge, label, tip: edge.tip })),
    ];
    this.items.forEach((item) => this.wire(item));
    this.mark();
    this.legend(boxes.filter(({ node }) => !node.kind).length, lines.filter(({ edge }) => !edge.kind).length);
    this.view.show(all, size);
    this.view.fit();
    this.root.dataset.ready = String(run);
  }

  wire(item) {
    const { group } = item;
    group.dataset.id = item.id;
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", item.tip.replaceAll("\n", ", "));
    const choose = () => this.pick(this.data.selected?.id === item.id ? null : { type: item.type, id: item.id });
    group.addEventListener("click", choose);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    });
    group.addEventListener("pointermove", (event) => this.tell(event, item.tip));
    group.addEventListener("pointerenter", () => this.highlight(item));
    group.addEventListener("pointerleave", () => {
      this.tooltip.hidden = true;
      this.highlight(null);
    });
  }

  pick(picked) {
    if (!picked && !this.data.selected) return;
    this.data.selected = picked;
    this.mark();
    this.emit(picked ?? { type: "none", id: "" });
  }

  /** Show what is chosen, wherever it was chosen (map, table or URL). */
  mark() {
    for (const item of this.items ?? []) {
      const chosen = this.data.selected?.id === item.id;
      item.group.classList.toggle("chosen", chosen);
      item.group.setAttribute("aria-pressed", String(chosen));
      item.label?.classList.toggle("chosen", chosen);
    }
  }

  /** Dim all but an activity with its ways in and out, or a line with its two ends. */
  highlight(item) {
    for (const other of this.items) {
      const near = !item || other === item || connected(item, other);
      other.group.classList.toggle("dim", !near);
      other.label?.classList.toggle("dim", !near);
      other.label?.classList.toggle("called", Boolean(item) && near);
      other.group.classList.toggle("incoming", item?.type === "node" && other.edge?.to === item.id);
      other.group.classList.toggle("outgoing", item?.type === "node" && other.edge?.from === item.id);
    }
  }

  tell(event, text) {
    const frame = this.root.getBoundingClientRect();
    this.tooltip.textContent = text;
    this.tooltip.hidden = false;
    const { width, height } = this.tooltip.getBoundingClientRect();
    this.tooltip.style.left = `${Math.min(event.clientX - frame.left + 16, frame.width - width - 8)}px`;
    this.tooltip.style.top = `${Math.min(event.clientY - frame.top + 16, frame.height - height - 8)}px`;
  }

  legend(activities, paths) {
    const { legend, metric, nodes, edges } = this.data;
    const total = [nodes, edges].map((list) => list.filter((one) => !one.kind).length);
    const box = this.root.querySelector(".legend");
    box.querySelector(".title").textContent = legend.title;
    box.querySelector(".low").textContent = legend.low;
    box.querySelector(".high").textContent = legend.high;
    box.querySelector(".ramp").style.background = rampGradient(metric);
    box.querySelector(".shown").textContent = `${activities} of ${total[0]} activities, ${paths} of ${total[1]} paths`;
  }
}

function connected(item, other) {
  if (item.type === "edge") return other.id === item.edge.from || other.id === item.edge.to;
  return other.edge ? other.edge.from === item.id || other.edge.to === item.id : false;
}

// Room for the names of the bands at the left of the drawing.
function bandGutter(bands, font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `600 14px ${font}`;
  return Math.ceil(Math.max(0, ...bands.map((band) => context.measureText(band.team).width))) + 26;
}

const FRAME = `
  <svg class="canvas" role="group" aria-label="Process map"></svg>
  <div class="bar sliders">
    <label>Activities <input type="range" name="activities" min="10" max="100" aria-label="Share of activities shown"><output></output></label>
    <label>Paths <input type="range" name="paths" min="0" max="100" aria-label="Share of paths shown"><output></output></label>
  </div>
  <div class="bar buttons">
    <button name="in" title="Zoom in" aria-label="Zoom in">+</button>
    <button name="out" title="Zoom out" aria-label="Zoom out">−</button>
    <button name="fit" title="Fit the whole map" aria-label="Fit the whole map">⤢</button>
    <button name="save" title="Save as SVG" aria-label="Save as SVG">↓</button>
  </div>
  <div class="bar legend">
    <span class="title"></span><span class="low"></span><span class="ramp"></span><span class="high"></span>
    <span class="sample handoff">handoff</span><span class="sample inside">within a team</span>
    <span class="shown"></span>
  </div>
  <div class="tooltip" role="tooltip" hidden></div>`;
