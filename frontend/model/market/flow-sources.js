/**
 * Where made-up or recorded orders come from, in words.
 * Layer: model.
 */

/** @typedef {{flow: string, seed: number | null, strategy: string | null}} FlowSource */

/** @type {Readonly<Record<string, string>>} */
const LABELS = Object.freeze({ simulated: "Simulated flow", replay: "Replay" });

/**
 * "Simulated flow (noise, seed 7), Replay".
 * @param {string[]} flows @param {FlowSource[]} sources
 */
export function flowLabel(flows, sources) {
  return flows
    .map((flow) => {
      const details = sources
        .filter((source) => source.flow === flow)
        .map(detailsOf)
        .filter((text) => text !== "");
      return (LABELS[flow] ?? flow) + (details.length > 0 ? ` (${details.join("; ")})` : "");
    })
    .join(", ");
}

/** @param {FlowSource} source */
function detailsOf({ seed, strategy }) {
  return [strategy, seed === null ? null : `seed ${seed}`].filter((text) => text !== null).join(", ");
}
