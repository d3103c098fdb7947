/**
 * Where the focus is and goes: what has it is never just gone, and a press that was meant for what is gone does
 * nothing.
 * Layer: view.
 */

import { useEffect, useLayoutEffect } from "preact/hooks";

import { Attention } from "../../model/shell/attention.js";

/** @typedef {import("./html.js").DomEvent} DomEvent */
/** @typedef {import("./html.js").DomMouseEvent} DomMouseEvent */

/** The page's one reader. */
export const attention = new Attention();

const MODIFIERS = Object.freeze(["Shift", "Control", "Alt", "AltGraph", "Meta"]);

/** Move the focus because what had it is gone. @param {HTMLElement | null | undefined} element */
export function giveFocus(element) {
  element?.focus({ preventScroll: true });
  attention.closed(performance.now());
}

/** Whether nothing has the focus. */
export function isNowhere() {
  const { activeElement: active } = document;
  return !active || active === document.body;
}

/** Whether a dialog or a menu has the keyboard. */
export function isElsewhere() {
  return document.querySelector("dialog[open], :popover-open") !== null;
}

/**
 * When a drawing of the component that calls this takes away what has the focus, `next` says where it goes.
 * @template [Place=null]
 * @param {import("preact/hooks").MutableRef<HTMLElement | null>} root only what is within it is watched
 * @param {(place: Place) => HTMLElement | null | undefined} next is asked after the drawing
 * @param {(held: Element) => Place} [placeOf] is asked before the drawing
 */
export function useKeptFocus(root, next, placeOf = () => /** @type {any} */ (null)) {
  const held = /** @type {HTMLButtonElement | null} */ (document.activeElement);
  const place = held && root.current?.contains(held) ? { of: placeOf(held) } : null;
  useLayoutEffect(() => {
    const gone = place && (!held?.isConnected || held.disabled);
    if (gone && (isNowhere() || document.activeElement === held)) giveFocus(next(place.of));
  });
}

/** Notes what is touched, before anything else hears of it; a held Enter is one Enter, wherever. */
export function useAttention() {
  useEffect(() => {
    const began = (/** @type {Event} */ { target }, /** @type {boolean} */ byKey) => {
      attention.began(byKey);
      attention.touched(isTicket(/** @type {Element} */ (target)));
    };
    const onPointerDown = (/** @type {DomMouseEvent} */ event) => began(event, false);
    const onInput = (/** @type {DomEvent} */ event) => began(event, attention.byKey);
    document.addEventListener("keydown", noteKey, true);
    document.addEventListener("pointerdown", onPointerDown, true);
    document.addEventListener("input", onInput, true);
    return () => {
      document.removeEventListener("keydown", noteKey, true);
      document.removeEventListener("pointerdown", onPointerDown, true);
      document.removeEventListener("input", onInput, true);
    };
  }, []);
}

/** @param {KeyboardEvent} event */
function noteKey(event) {
  const { key, repeat } = event;
  const nowMs = performance.now();
  if (MODIFIERS.includes(key)) return;
  if (key === "Enter" && (repeat || attention.settling(nowMs))) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  const ends = key === "Enter" || key === "Escape";
  if (!ends) attention.began(true);
  attention.byKey = true;
  if (ends && isElsewhere()) attention.closed(nowMs);
  else if (!isNowhere()) attention.touched(isTicket(/** @type {Element} */ (document.activeElement)));
}

/** What became of the last order is no part of the next one. @param {Element} target */
function isTicket(target) {
  return target.closest("#ticket") !== null && target.closest(".outcome") === null;
}
