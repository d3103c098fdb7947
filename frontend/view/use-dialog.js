/**
 * A modal dialog for as long as its component is there: the browser keeps the focus within, and gives it back.
 * Layer: view.
 */

import { useLayoutEffect, useRef } from "preact/hooks";

/** @returns {import("preact/hooks").MutableRef<HTMLDialogElement | null>} for its `ref` */
export function useDialog() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const { current } = dialog;
    current.showModal();
    return () => current.close();
  }, []);
  return dialog;
}
