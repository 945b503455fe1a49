// Team bands: activities of one team that lie together in the process share one horizontal band, so that every line
// which crosses a band is a handoff. A team that returns much later (Sales settling a dispute) gets a second band.

const FAR = 2; // a team's activity opens a new band when at least this many other bands lie between it and its own

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** @returns {{team: string, members: object[], position: number}[]} bands in the order of the process */
export function bandsOf(nodes) {
  const activities = nodes.filter((node) => !node.kind).sort((a, b) => a.position - b.position);
  const bands = [];
  const add = (node) => {
    const own = bands.filter((band) => band.team === node.team);
    const between = (band) =>
      bands.filter((other) => other !== band && other.position > Math.min(band.position, node.position) && other.position < Math.max(band.position, node.position)).length;
    const near = own.sort((a, b) => between(a) - between(b))[0];
    if (near && between(near) < FAR) near.members.push(node);
    else bands.push({ team: node.team, members: [node], position: node.position });
    bands.forEach((band) => (band.position = mean(band.members.map((member) => member.position))));
  };
  // the usual way through the process first: it decides where the bands lie, the side ways join them
  activities.filter((node) => node.backbone).forEach(add);
  activities.filter((node) => !node.backbone).forEach(add);
  return bands.sort((a, b) => a.position - b.position);
}

/**
 * Rank (row) of every node: bands follow one another; inside a band an activity stands below those that lead to it.
 * @returns {Map<string, number>}
 */
export function ranksOf(nodes, edges, bands) {
  const ranks = new Map();
  const bandOf = new Map();
  bands.forEach((band, index) => band.members.forEach((node) => bandOf.set(node.id, index)));
  let row = 0;
  nodes.filter((node) => node.kind === "start").forEach((node) => ranks.set(node.id, row));
  row += 1;
  bands.forEach((band, index) => {
    let last = row;
    const members = [...band.members].sort((a, b) => a.position - b.position);
    for (const node of members) {
      const above = edges
        .filter((edge) => touches(edge, node.id) && bandOf.get(otherEnd(edge, node.id)) === index)
        .map((edge) => ranks.get(otherEnd(edge, node.id)))
        .filter((rank) => rank !== undefined);
      ranks.set(node.id, above.length ? Math.max(...above) + 1 : row);
      last = Math.max(last, ranks.get(node.id));
    }
    row = last + 1;
  });
  nodes.filter((node) => node.kind === "end").forEach((node) => ranks.set(node.id, row));
  return ranks;
}

const touches = (edge, id) => edge.from !== edge.to && (edge.from === id || edge.to === id);
const otherEnd = (edge, id) => (edge.from === id ? edge.to : edge.from);
