// Where everything stands: Graphviz (WebAssembly, on this machine) routes the lines, nothing is drawn here.
import { ranksOf } from "./bands.js";

const POINTS_PER_INCH = 72;
let graphviz; // loaded once per browser tab

const quote = (text) => JSON.stringify(String(text));

/**
 * @param nodes `{id, width, height, backbone, position}`; edges `{id, from, to, count}`; bands from bandsOf
 * @returns {Promise<{nodes: Map, edges: Map, bands: object[], width: number, height: number}>} centres of nodes,
 *   control points of lines (start, then triples of a cubic spline) and top and bottom of every band
 */
export async function layout(nodes, edges, bands) {
  graphviz ??= import("./graphviz.esm.js").then((module) => module.Graphviz.load());
  const engine = await graphviz;
  const ranks = ranksOf(nodes, edges, bands);
  const lines = edges.filter((edge) => edge.from !== edge.to);
  const upward = (edge) => ranks.get(edge.from) > ranks.get(edge.to);
  const drawn = JSON.parse(engine.layout(toDot(nodes, lines, ranks, upward), "json", "dot"));
  const [, , width, height] = drawn.bb.split(",").map(Number);

  const places = new Map();
  for (const object of drawn.objects ?? []) {
    if (!object.pos || object.name.startsWith("row ")) continue;
    const [x, y] = object.pos.split(",").map(Number);
    places.set(object.name, { x, y: height - y });
  }
  const routes = new Map();
  const byId = new Map(lines.map((edge) => [edge.id, edge]));
  for (const edge of drawn.edges ?? []) {
    if (!byId.has(edge.id)) continue;
    const points = edge.pos
      .replace(/^[se],[^ ]+ /, "")
      .split(" ")
      .map((pair) => pair.split(",").map(Number))
      .map(([x, y]) => [x, height - y]);
    if (upward(byId.get(edge.id))) points.reverse();
    routes.set(edge.id, pathOf(points));
  }
  const sizes = new Map(nodes.map((node) => [node.id, node]));
  for (const edge of edges.filter((one) => one.from === one.to)) {
    routes.set(edge.id, loopOf(places.get(edge.from), sizes.get(edge.from)));
  }
  return { nodes: places, edges: routes, bands: extents(bands, places, sizes), width: width + 44, height };
}

// Lines against the direction of the process enter the layout reversed: the way from top to bottom stays straight and
// does not jump when the filter changes.
function toDot(nodes, lines, ranks, upward) {
  const most = Math.max(1, ...lines.map((edge) => edge.count));
  const backbone = new Set(nodes.filter((node) => node.backbone || node.kind).map((node) => node.id));
  const rows = Math.max(...ranks.values()) + 1;
  const inRow = (row) => nodes.filter((node) => ranks.get(node.id) === row);
  const parts = ['digraph{rankdir=TB;nodesep=.36;ranksep=.37;splines=spline;outputorder=edgesfirst;node[shape=box,fixedsize=true,label=""];edge[dir=none];'];
  for (const node of nodes) {
    const size = `width=${node.width / POINTS_PER_INCH},height=${node.height / POINTS_PER_INCH}`;
    parts.push(`${quote(node.id)}[${size}${backbone.has(node.id) ? ",group=backbone" : ""}];`);
  }
  for (let row = 0; row < rows; row += 1) {
    parts.push(`"row ${row}"[width=.01,height=.01,style=invis,group=rows];`);
    if (row) parts.push(`"row ${row - 1}"->"row ${row}"[style=invis,weight=100];`);
    parts.push(`{rank=same;"row ${row}";${inRow(row).map((node) => quote(node.id)).join(";")}}`);
  }
  for (const edge of lines) {
    const [tail, head] = upward(edge) ? [edge.to, edge.from] : [edge.from, edge.to];
    const weight = edge.backbone || edge.kind ? 60 : 1 + Math.round((4 * edge.count) / most);
    parts.push(`${quote(tail)}->${quote(head)}[id=${quote(edge.id)},weight=${weight}];`);
  }
  return parts.join("") + "}";
}

function pathOf(points) {
  let path = `M${points[0]}`;
  for (let index = 1; index + 2 < points.length; index += 3) path += `C${points[index]} ${points[index + 1]} ${points[index + 2]}`;
  return path;
}

function loopOf(place, node) {
  const x = place.x + node.width / 2;
  return `M${x},${place.y - 8}C${x + 30},${place.y - 22} ${x + 30},${place.y + 22} ${x + 2},${place.y + 8}`;
}

function extents(bands, places, sizes) {
  return bands.map((band) => {
    const members = band.members.filter((node) => places.has(node.id));
    const edgeOf = (side) => members.map((node) => places.get(node.id).y + (side * sizes.get(node.id).height) / 2);
    return { team: band.team, top: Math.min(...edgeOf(-1)), bottom: Math.max(...edgeOf(1)) };
  });
}
