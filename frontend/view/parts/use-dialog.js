/**
 * A modal dialog for as long as its component is there: the browser keeps the focus within, and gives it back;
 * where it came from a menu that is shut by then, the menu's button gets it.
 * Layer: view.
 */

import { useLayoutEffect } from "preact/hooks";

import { giveFocus, isNowhere } from "./focus.js";
import { useElement } from "./use-element.js";

/** @returns {{current: HTMLDialogElement}} for its `ref` */
export function useDialog() {
  /** @type {{current: HTMLDialogElement}} */ const dialog = useElement();
  useLayoutEffect(() => {
    const { current } = dialog;
    const opener = openerOf(document.activeElement);
    current.showModal();
    return () => {
      current.close();
      if (opener && isNowhere()) giveFocus(opener);
    };
  }, []);
  return dialog;
}

/** @param {Element | null} active @returns {HTMLElement | null} */
function openerOf(active) {
  const menu = active?.closest("[popover]");
  return menu ? document.querySelector(`[popovertarget="${menu.id}"]`) : /** @type {HTMLElement | null} */ (active);
}
