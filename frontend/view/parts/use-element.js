/**
 * The element that a component draws, for its `ref`.
 * Layer: view.
 */

import { useRef } from "preact/hooks";

/**
 * Whoever calls it says the element's type. It is there in effects and in handlers, and null before the first drawing.
 * @returns {{current: any}}
 */
export function useElement() {
  return useRef(null);
}
