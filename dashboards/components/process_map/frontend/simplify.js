// Which activities and paths stay on screen. The result is always connected: every kept activity keeps its strongest
// way in and its strongest way out; the rest is filled up by frequency.

/**
 * @param {{nodes: object[], edges: object[]}} graph the whole map
 * @param {number} activityShare percent of the activities to keep, most frequent first
 * @param {number} pathShare percent of the paths between them to keep
 * @param {{type: string, id: string} | null} chosen stays on screen whatever the shares are
 */
export function simplify(graph, activityShare, pathShare, chosen) {
  const activities = graph.nodes.filter((node) => !node.kind).sort((a, b) => b.cases - a.cases);
  const wanted = Math.max(2, Math.round((activities.length * activityShare) / 100));
  const least = activities[Math.min(wanted, activities.length) - 1]?.cases ?? 0; // those as frequent as the last one stay too
  const kept = new Set(activities.filter((node) => node.cases >= least).map((node) => node.id));
  const path = graph.edges.find((edge) => edge.id === chosen?.id);
  const pinned = path ? [path.from, path.to] : [chosen?.id];
  graph.nodes.filter((node) => node.kind || node.backbone || pinned.includes(node.id)).forEach((node) => kept.add(node.id));

  const edges = graph.edges.filter((edge) => kept.has(edge.from) && kept.has(edge.to)).sort((a, b) => b.count - a.count);
  const shown = new Set(path ? [path] : []);
  const reached = new Set();
  const left = new Set();
  for (const edge of edges) {
    if (edge.from === edge.to) continue;
    if (!reached.has(edge.to) || !left.has(edge.from)) shown.add(edge);
    reached.add(edge.to);
    left.add(edge.from);
  }
  const paths = Math.round((edges.length * pathShare) / 100);
  for (const edge of edges) {
    if (shown.size >= paths) break;
    shown.add(edge);
  }
  return { nodes: graph.nodes.filter((node) => kept.has(node.id)), edges: edges.filter((edge) => shown.has(edge)) };
}
