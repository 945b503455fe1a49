// Team bands: activities of one team that lie together in the process share one horizontal band, so that every line
// which crosses a band is a handoff. A team that returns much later (Sales settling a dispute) gets a second band.

const FAR = 3.5; // steps between an activity of the side ways and its team's nearest one, from which on it opens a new band

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** @returns {{team: string, members: object[], position: number}[]} bands in the order of the process */
export function bandsOf(nodes) {
  const activities = nodes.filter((node) => !node.kind).sort((a, b) => a.position - b.position);
  const bands = [];
  const open = (node) => bands.push({ team: node.team, members: [node] });

  // the usual way first: every change of team is a new band
  for (const node of activities.filter((one) => one.backbone)) {
    if (bands.at(-1)?.team === node.team) bands.at(-1).members.push(node);
    else open(node);
  }
  for (const node of activities.filter((one) => !one.backbone)) {
    const distance = (band) => Math.min(...band.members.map((member) => Math.abs(member.position - node.position)));
    const own = bands.filter((band) => band.team === node.team).sort((a, b) => distance(a) - distance(b))[0];
    if (own && distance(own) <= FAR) own.members.push(node);
    else open(node);
  }
  for (const band of bands) {
    const leading = band.members.filter((member) => member.backbone);
    band.position = mean((leading.length ? leading : band.members).map((member) => member.position));
  }
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
