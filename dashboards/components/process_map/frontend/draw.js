// The picture: bands, lines, activities, labels, as SVG. Everything that is text was written by Python.
import { placeLabels } from "./labels.js";
import { rampColour } from "./colour.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const NODE_HEIGHT = 36;
const ROUND = 28;
const BAND_PADDING = 9;

export function element(tag, attributes = {}, parent = null, text = null) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

/** Width and height of every node, measured in the page's own font. */
export function sized(nodes, fontFamily) {
  const context = document.createElement("canvas").getContext("2d");
  const width = (text, font) => {
    context.font = `${font} ${fontFamily}`;
    return context.measureText(text).width;
  };
  return nodes.map((node) =>
    node.kind
      ? { ...node, width: ROUND, height: ROUND }
      : { ...node, width: Math.ceil(width(node.label, "600 15px") + width(node.count_label, "13.5px") + 42), height: NODE_HEIGHT },
  );
}

/** Bands begin and end outside the drawing: `stretchBands` gives them the width of the frame. */
export function drawBands(layer, bands, teams) {
  const colours = new Map(teams.map((team) => [team.name, team.colour]));
  for (const band of bands) {
    const colour = colours.get(band.team) ?? "#64748b";
    const group = element("g", { class: "band", style: `--team:${colour}` }, layer);
    const top = band.top - BAND_PADDING;
    element("rect", { y: top, height: band.bottom - band.top + 2 * BAND_PADDING, rx: 8 }, group);
    element("text", { y: (band.top + band.bottom) / 2 + 4.5 }, group, band.team);
  }
}

/** @param {number} left @param {number} right the frame's borders in the drawing's own units */
export function stretchBands(layer, left, right) {
  for (const rect of layer.querySelectorAll(".band rect")) {
    rect.setAttribute("x", left);
    rect.setAttribute("width", Math.max(0, right - left));
  }
  for (const name of layer.querySelectorAll(".band text")) name.setAttribute("x", left + 12);
}

/** @returns {{group: SVGElement, line: SVGElement, edge: object, stroke: number}[]} what was drawn, thinnest first */
export function drawEdges(layer, edges, routes, metric) {
  const most = Math.max(1, ...edges.filter((edge) => !edge.kind).map((edge) => edge.count));
  const shown = edges.filter((edge) => routes.has(edge.id)).sort((a, b) => a.handoff - b.handoff || a.count - b.count);
  return shown.map((edge) => {
    const weight = Math.sqrt(edge.count / most);
    const stroke = edge.kind ? 1.4 : edge.handoff ? 2 + 7 * weight : 1.2 + 4.2 * weight;
    const colour = edge.kind ? "var(--quiet)" : rampColour(metric, edge.heat);
    const kind = edge.kind ? "bound" : edge.handoff ? "handoff" : "inside";
    const group = element("g", { class: `edge ${kind}` }, layer);
    const path = routes.get(edge.id);
    element("path", { class: "halo", d: path, "stroke-width": stroke + 9 }, group);
    const line = element("path", { class: "line", d: path, stroke: colour, "stroke-width": stroke }, group);
    element("path", { class: "hit", d: path }, group);
    arrow(group, line, colour, stroke);
    return { group, line, edge, stroke };
  });
}

function arrow(group, line, colour, stroke) {
  const length = line.getTotalLength();
  const tip = line.getPointAtLength(length);
  const before = line.getPointAtLength(Math.max(0, length - 8));
  const angle = (Math.atan2(tip.y - before.y, tip.x - before.x) * 180) / Math.PI;
  const size = 5 + stroke * 0.75;
  const shape = `M0,0L${-size * 1.5},${-size * 0.72}L${-size * 1.5},${size * 0.72}z`;
  element("path", { class: "tip", d: shape, fill: colour, transform: `translate(${tip.x},${tip.y}) rotate(${angle})` }, group);
}

export function drawNodes(layer, nodes, places, teams) {
  const colours = new Map(teams.map((team) => [team.name, team.colour]));
  const most = Math.max(1, ...nodes.map((node) => node.cases ?? 0));
  const drawn = [];
  for (const node of nodes) {
    const place = places.get(node.id);
    if (!place) continue;
    const at = `translate(${place.x - node.width / 2},${place.y - node.height / 2})`;
    const group = element("g", { class: node.kind ? `mark ${node.kind}` : "node", transform: at }, layer);
    if (node.kind) {
      element("circle", { cx: ROUND / 2, cy: ROUND / 2, r: 12 }, group);
      element("path", { d: node.kind === "start" ? "M11,8.5L19.5,14L11,19.5z" : "M9.5,9.5H18.5V18.5H9.5z" }, group);
    } else {
      const share = Math.sqrt(node.cases / most);
      group.style.setProperty("--team", colours.get(node.team) ?? "#64748b");
      group.style.setProperty("--fill", `${Math.round(5 + 21 * share)}%`);
      element("rect", { class: "body", width: node.width, height: node.height, rx: 8 }, group);
      element("rect", { class: "stripe", x: 0, y: 7, width: 5, height: node.height - 14, rx: 2.5 }, group);
      element("text", { class: "name", x: 15, y: 23 }, group, node.label);
      element("text", { class: "count", x: node.width - 11, y: 23, "text-anchor": "end" }, group, node.count_label);
    }
    drawn.push({ group, node });
  }
  return drawn;
}

/** Labels above everything; those that found no free place appear when their line is touched. */
export function drawLabels(layer, drawnEdges, nodes, places, fontFamily) {
  const context = document.createElement("canvas").getContext("2d");
  const taken = nodes
    .filter((node) => places.has(node.id))
    .map((node) => {
      const { x, y } = places.get(node.id);
      return { left: x - node.width / 2 - 2, right: x + node.width / 2 + 2, top: y - node.height / 2 - 1, bottom: y + node.height / 2 + 1 };
    });
    const labelled = drawnEdges.filter(({ edge }) => edge.label);
  const wanted = labelled.map(({ edge, line, stroke }) => {
    context.font = `${edge.handoff ? 650 : 450} 13.5px ${fontFamily}`;
    const weight = (edge.handoff ? 1e9 : 0) + edge.count;
    return { id: edge.id, path: line, width: context.measureText(edge.label).width + 2, height: 15, stroke, weight };
  });
  const spots = placeLabels(wanted, taken);
  for (const item of labelled) {
    const spot = spots.get(item.edge.id);
    const kind = `label ${item.edge.handoff ? "handoff" : "inside"}${spot.hidden ? " crowded" : ""}`;
    item.label = element("text", { class: kind, x: spot.x + 1, y: spot.y + 12 }, layer, item.edge.label);
  }
}
