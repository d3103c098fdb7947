/**
 * For what draws on a canvas: notices when the page's colours have changed.
 * Layer: view.
 */

import { useEffect } from "preact/hooks";

import { useServices } from "./services.js";

/** @param {() => void} repaint is called when the new colours are on the page; always the same function */
export function useTheme(repaint) {
  const { workspace } = useServices();
  useEffect(() => {
    // The new theme is on the page at the next frame.
    const later = () => requestAnimationFrame(() => requestAnimationFrame(repaint));
    const system = matchMedia("(prefers-color-scheme: light)");
    workspace.addEventListener("theme", later);
    system.addEventListener("change", later);
    return () => {
      workspace.removeEventListener("theme", later);
      system.removeEventListener("change", later);
    };
  }, [workspace, repaint]);
}
