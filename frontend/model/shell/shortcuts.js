/**
 * The keyboard: which key does what, and when it does nothing.
 *
 * A key does nothing with a modifier, while a text is typed, or where the focused thing wants it for itself.
 * Enter sends only what the reader has in hand, and Escape asks nothing just after it closed something
 * (model/attention.js).
 * Layer: model.
 */

/**
 * @typedef {"buy" | "sell" | "limit" | "market" | "price_up" | "price_down" | "send" | "cancel_all" | "find" | "keys"}
 *   Action
 *
 * @typedef {object} Shortcut
 * @property {Action} does
 * @property {string} key of KeyboardEvent, small letters
 * @property {string} shown
 * @property {string} words
 */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = Object.freeze([
  { does: "buy", key: "b", shown: "B", words: "Buy" },
  { does: "sell", key: "s", shown: "S", words: "Sell" },
  { does: "limit", key: "l", shown: "L", words: "Limit order" },
  { does: "market", key: "m", shown: "M", words: "Market order" },
  { does: "price_up", key: "arrowup", shown: "↑", words: "Price one tick up; with Shift ten" },
  { does: "price_down", key: "arrowdown", shown: "↓", words: "Price one tick down; with Shift ten" },
  { does: "send", key: "enter", shown: "Enter", words: "Send the order in the ticket you have just worked on" },
  { does: "cancel_all", key: "escape", shown: "Esc", words: "Leave a field; else cancel all orders, after asking" },
  { does: "find", key: "/", shown: "/", words: "Find a symbol" },
  { does: "keys", key: "?", shown: "?", words: "These keys" },
]);

/** What works within the ladder. @type {readonly {shown: string, words: string}[]} */
export const LADDER_KEYS = Object.freeze([
  { shown: "↑ ↓", words: "Walk the levels" },
  { shown: "← →", words: "Price, or size" },
  { shown: "Enter", words: "On a price: into the ticket; on a size: its queue" },
  { shown: "PgUp PgDn", words: "Deeper levels" },
  { shown: "Home", words: "Back to the middle" },
]);

/** As ARIA names them, where that is not what is shown. @type {Readonly<Record<string, string>>} */
const NAMES = Object.freeze({ arrowup: "ArrowUp", arrowdown: "ArrowDown", escape: "Escape", "?": "Shift+?" });
const ARROWS = Object.freeze(["arrowup", "arrowdown"]);

/**
 * What names a control's key: attributes of its element.
 * @param {string} does an action; any other word has none
 */
export function keyHint(does) {
  const shortcut = SHORTCUTS.find((each) => each.does === does);
  return shortcut
    ? { title: `${shortcut.words} (${shortcut.shown})`, "aria-keyshortcuts": NAMES[shortcut.key] ?? shortcut.shown }
    : {};
}

/** What has the focus. @typedef {"nothing" | "text" | "choice" | "control" | "scroller"} Focused */

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, repeat: boolean}} event
 * @param {Focused} focused `choice`: radio buttons, lists, tabs; `control`: a button or link
 * @param {{onTicket: boolean, settling: boolean}} attention
 * @returns {Action | null}
 */
export function actionOf({ key, ctrlKey, metaKey, altKey, repeat }, focused, { onTicket, settling }) {
  if (ctrlKey || metaKey || altKey || focused === "text") return null;
  const pressed = key.toLowerCase();
  if (repeat && !ARROWS.includes(pressed)) return null;
  if (ARROWS.includes(pressed) && (focused === "choice" || focused === "scroller")) return null;
  if (pressed === "enter" && (focused !== "nothing" || !onTicket || settling)) return null;
  if (pressed === "escape" && settling) return null;
  return SHORTCUTS.find((shortcut) => shortcut.key === pressed)?.does ?? null;
}

/**
 * How many orders would be cancelled, by symbol: "2 in BTC-USDT, 1 in ETH-USDT".
 * @param {import("../types.js").Order[]} orders open ones
 */
export function describeOpen(orders) {
  /** @type {Map<string, number>} */ const counts = new Map();
  for (const { symbol } of orders) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  return [...counts].map(([symbol, count]) => `${count} in ${symbol}`).join(", ");
}
