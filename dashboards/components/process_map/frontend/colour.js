// Colour ramps; meaning is never carried by colour alone: every line has a width and a label too.

const RAMPS = {
  waiting: [
    [148, 163, 184],
    [234, 179, 8],
    [234, 88, 12],
    [190, 18, 60],
  ],
  frequency: [
    [148, 163, 184],
    [96, 165, 250],
    [37, 99, 235],
    [30, 64, 175],
  ],
};

/** @param {"waiting"|"frequency"} metric @param {number} share 0 to 1 */
export function rampColour(metric, share) {
  const stops = RAMPS[metric];
  const place = Math.min(0.9999, Math.max(0, share)) * (stops.length - 1);
  const index = Math.floor(place);
  const mixed = stops[index].map((value, channel) => Math.round(value + (stops[index + 1][channel] - value) * (place - index)));
  return `rgb(${mixed})`;
}

export function rampGradient(metric) {
  return `linear-gradient(90deg,${[0, 0.33, 0.66, 1].map((share) => rampColour(metric, share))})`;
}
