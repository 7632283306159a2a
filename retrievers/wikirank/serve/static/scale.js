// Relevance on a log-odds scale: 0.01 is as far from 0.1 as 0.9 is from 0.99.
export const STOPS = [
  0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98,
  0.99, 0.995, 0.998, 0.999,
];
const LEAST = -Math.log(999);

// Position of a relevance on the scale, from 0 (at 0.001 or less) to 1 (at 0.999 or more).
export function place(relevance) {
  const odds = Math.log(relevance / (1 - relevance));
  return Math.min(1, Math.max(0, (odds - LEAST) / (-2 * LEAST)));
}

export function readable(relevance) {
  if (relevance === 0) return "0";
  if (relevance < 0.001) return "<0.001";
  if (relevance > 0.999) return ">0.999";
  return relevance < 0.1 || relevance > 0.99 ? relevance.toFixed(3) : relevance.toFixed(2);
}

export function nearestStop(value) {
  const distances = STOPS.map((stop) => Math.abs(stop - value));
  return distances.indexOf(Math.min(...distances));
}
