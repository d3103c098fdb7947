/**
 * The keyboard: does what model/shortcuts.js says, and asks before it cancels.
 * Layer: view.
 */

import { useEffect, useRef, useState } from "preact/hooks";

import { actionOf } from "../../model/shell/shortcuts.js";
import { CancelAllDialog } from "../orders/cancel-all-dialog.js";
import { attention, isElsewhere, isNowhere, useAttention } from "../parts/focus.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { KeysDialog } from "./keys-dialog.js";

/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */

/** @type {Readonly<Record<string, string>>} */
const SPOKEN = Object.freeze({ buy: "Buy", sell: "Sell", limit: "Limit order", market: "Market order" });
/** What has nothing to do with the ticket. */
const APART = Object.freeze(["cancel_all", "find", "keys"]);

export function Shortcuts() {
  const services = useServices();
  const { dialog, open, close } = useOpened();
  const [said, say] = useState("");
  const latest = useRef(services);
  latest.current = services;
  useAttention();
  useEffect(() => {
    const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
      const nowMs = performance.now();
      if (event.defaultPrevented && event.key === "Escape") attention.closed(nowMs);
      if (event.defaultPrevented || isElsewhere()) return;
      if (event.key === "Escape" && focusedKind() === "text")
        return /** @type {HTMLElement} */ (document.activeElement).blur();
      if (!latest.current.workspace.recall("shortcuts", true) && event.key !== "?") return;
      const action = actionOf(event, focusedKind(), {
        onTicket: attention.onTicket,
        settling: attention.settling(nowMs),
      });
      if (action === null || !perform(action, event.shiftKey, latest.current, open)) return;
      attention.touched(!APART.includes(action));
      event.preventDefault();
      say(action.startsWith("price") ? latest.current.entry.fields.price : (SPOKEN[action] ?? ""));
    };
    const showKeys = () => open("keys");
    document.addEventListener("keydown", onKeyDown);
    services.workspace.addEventListener("keys", showKeys);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
      services.workspace.removeEventListener("keys", showKeys);
    };
  }, []);
  return html`
    <${Spoken}><span role="status" id="key-said">${said}</span><//>
    ${dialog?.name === "cancel_all" && html`<${CancelAllDialog} key=${dialog.id} onClose=${() => close(dialog)} />`}
    ${dialog?.name === "keys" && html`<${KeysDialog} key=${dialog.id} onClose=${() => close(dialog)} />`}`;
}

/** The dialog that is open. One that closes late does not take along the next. */
function useOpened() {
  const [dialog, setDialog] = useState(/** @type {{name: "cancel_all" | "keys", id: number} | null} */ (null));
  const opened = useRef(0);
  return {
    dialog,
    open: (/** @type {"cancel_all" | "keys"} */ name) => {
      opened.current += 1;
      setDialog({ name, id: opened.current });
    },
    close: (/** @type {{id: number}} */ closed) => setDialog((now) => (now?.id === closed.id ? null : now)),
  };
}

/**
 * @param {import("../../model/shell/shortcuts.js").Action} action
 * @param {boolean} far
 * @param {import("../parts/services.js").ServicesValue} services
 * @param {(name: "cancel_all" | "keys") => void} open
 * @returns {boolean} whether there was something to do
 */
function perform(action, far, { entry, workspace }, open) {
  switch (action) {
    case "buy":
    case "sell":
      entry.edit("side", action);
      return true;
    case "limit":
    case "market":
      entry.edit("type", action);
      return true;
    case "price_up":
    case "price_down":
      return entry.priced && entry.step("price", (action === "price_up" ? 1n : -1n) * (far ? 10n : 1n));
    case "send":
      /** @type {HTMLFormElement} */ (document.getElementById("ticket")).requestSubmit();
      return true;
    case "find":
      workspace.findSymbol();
      return true;
    default:
      open(action);
      return true;
  }
}

/** @returns {import("../../model/shell/shortcuts.js").Focused} */
function focusedKind() {
  const { activeElement: active } = document;
  if (active === null || isNowhere()) return "nothing";
  if (active.matches("input[type=radio], input[type=checkbox], [role=tab], [role=option], [role=menuitem]"))
    return "choice";
  if (active.matches("input, textarea, select, [contenteditable]")) return "text";
  if (
    active.closest("#ladder, [role=listbox], [role=menu]") ||
    active.matches("[role=region], [role=application], canvas")
  )
    return "scroller";
  return "control";
}
