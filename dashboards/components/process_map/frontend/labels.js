// Labels beside their lines, never over an activity or over another label.

const PLACES = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];
const GAP = 4;

const overlap = (a, b) =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

const box = (x, y, width, height) => ({ left: x, top: y, right: x + width, bottom: y + height });

/**
 * @param wanted `{id, path (SVG element), width, height, stroke, weight}`; the heaviest chooses first
 * @param taken boxes nobody may cover
 * @returns {Map<string, {x: number, y: number, hidden: boolean}>} left top corner; hidden where no free place was left
 */
export function placeLabels(wanted, taken) {
  const placed = new Map();
  const occupied = [...taken];
  for (const label of [...wanted].sort((a, b) => b.weight - a.weight)) {
    let best = null;
    for (const candidate of candidates(label)) {
      const covered = occupied.reduce((sum, other) => sum + overlap(candidate, other), 0);
      if (!best || covered < best.covered) best = { ...candidate, covered };
      if (covered === 0) break;
    }
    const hidden = best.covered > 0.12 * label.width * label.height;
    placed.set(label.id, { x: best.left, y: best.top, hidden });
    if (!hidden) occupied.push(best);
  }
  return placed;
}

function* candidates({ path, width, height, stroke }) {
  const length = path.getTotalLength();
  for (const share of PLACES) {
    const at = path.getPointAtLength(length * share);
    const before = path.getPointAtLength(Math.max(0, length * share - 4));
    const steep = Math.abs(at.y - before.y) > Math.abs(at.x - before.x) * 0.8;
    const away = stroke / 2 + GAP;
    if (steep) {
      yield box(at.x + away, at.y - height / 2, width, height);
      yield box(at.x - away - width, at.y - height / 2, width, height);
    } else {
      yield box(at.x - width / 2, at.y - away - height, width, height);
      yield box(at.x - width / 2, at.y + away, width, height);
      yield box(at.x + away, at.y - height / 2, width, height);
    }
  }
}
