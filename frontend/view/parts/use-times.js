/**
 * The zone that the page shows times in: whoever shows one is drawn again when another is chosen.
 * Layer: view.
 */

import { useServices } from "./services.js";
import { useModel } from "./use-model.js";

/** @returns {import("../../model/parts/times.js").Times} */
export function useTimes() {
  const { workspace } = useServices();
  useModel(workspace, "zone");
  return workspace.times;
}
