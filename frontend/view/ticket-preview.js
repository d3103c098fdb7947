/**
 * What the order in the ticket would do now: price, slippage, fee, what is held; and, where money is at risk, a caution.
 * Layer: view.
 */

import { compare, fromUnits, grouped, isZero, rounded, scaleOf, shortest, subtract, toUnits } from "../model/decimal.js";
import { isCostly, isPartial } from "../model/preview.js";
import { AVERAGE_DECIMALS, withinSentence } from "../model/words.js";
import { html } from "./html.js";
import { useServices } from "./services.js";

const PERCENT_DECIMALS = 2;
const AMOUNT_DECIMALS = 8;

/** @param {{checked: ReturnType<import("../order-entry.js").OrderEntry["checked"]>}} props */
export function TicketPreview({ checked }) {
  const { desk, entry, portfolio } = useServices();
  const { instrument } = desk;
  const { balances } = portfolio;
  const { now, asking } = entry.preview;
  const pays = instrument && (entry.fields.side === "buy" ? instrument.quote : instrument.base);
  const texts = instrument && now ? previewTexts(now, checked.order, instrument) : {};
  const held = checked.funds?.needed ?? (now && now.held);
  const lines = [
    ["available", "Available", balances.loaded && pays ? money(balances.available(pays), pays) : null],
    ["average", "Average price", texts.average],
    ["slippage", "Slippage", texts.slippage],
    ["cost", "Trades now", texts.cost],
    ["fee", "Fee", texts.fee],
    outcomeOf(entry.fields, now, held, instrument),
  ];
  return html`
    <dl class="estimate" data-asking=${asking ? "true" : null}>
      ${lines.map(([name, title, text]) => html`<div key=${name}><dt>${title}</dt><dd data-estimate=${name}>${text || "–"}</dd></div>`)}
    </dl>
    <p class="caution" id="caution" role="status">${checked.funds?.short ? "" : cautionText({ desk, now, order: checked.order })}</p>`;
}

/**
 * What it comes to: what is set aside for an order that may wait, else what is paid, or is got for what is sold.
 * @returns {[name: string, title: string, text: string | null]}
 */
function outcomeOf({ type, side }, now, held, instrument) {
  const set = held ? money(held.amount, held.asset) : null;
  if (type !== "market") return ["holds", "Held at most", set];
  if (side === "buy") return ["holds", "You pay, with fee", set];
  const trades = instrument && now && !now.refused && !isZero(now.filled);
  return ["gets", "You get, after fee", trades ? money(subtract(now.notional, now.fee), instrument.quote) : null];
}

/** @param {string} amount @param {string} asset */
function money(amount, asset) {
  return `${grouped(shortest(rounded(amount, AMOUNT_DECIMALS)))} ${asset}`;
}

/**
 * @param {import("../model/preview.js").Preview} preview
 * @param {any} order
 * @param {import("../model/types.js").Instrument} instrument
 */
function previewTexts(preview, order, instrument) {
  if (preview.refused) return {};
  if (preview.average === null || isZero(preview.filled)) {
    if (order?.order_type === "market") return { average: "nobody is quoting" };
    const rests = order?.order_type === "limit" || order?.order_type === "oco";
    return { average: rests ? "rests in the book" : "waits for its trigger", cost: "nothing", fee: rests ? "maker's, when it trades" : "" };
  }
  const { base, quote, tick_size: tick } = instrument;
  const part = isPartial(preview) ? ` for ${grouped(shortest(preview.filled))} ${base}` : "";
  return {
    average: `${grouped(rounded(preview.average, scaleOf(tick) + AVERAGE_DECIMALS))} ${quote}`,
    slippage: preview.slippagePercent === null ? null : `${percentText(preview.slippagePercent)} %`,
    cost: `${grouped(preview.notional)} ${quote}${part}`,
    fee: money(preview.fee, quote),
  };
}

/** Always with its decimals. @param {string} percent */
function percentText(percent) {
  const text = fromUnits(toUnits(rounded(percent, PERCENT_DECIMALS), PERCENT_DECIMALS), PERCENT_DECIMALS);
  return text.startsWith("-") ? `−${text.slice(1)}` : text;
}

/** What one should know before sending; "" of an ordinary order. */
function cautionText({ desk, now, order }) {
  if (order === null) return "";
  const [last] = desk.tape.trades;
  const waits = order.stop_price && order.order_type !== "oco";
  const reached = waits && last && (order.side === "buy" ? compare(last.price, order.stop_price) >= 0 : compare(last.price, order.stop_price) <= 0);
  if (now?.refused) return `The venue would refuse it: ${withinSentence(now.refused)}`;
  const words = [];
  if (reached) words.push(`The last trade, ${grouped(last.price)}, is there already: it triggers at once.`);
  if (now && isCostly(now)) words.push(`Slippage: it would trade ${percentText(now.slippagePercent)} % worse than the middle of the book.`);
  if (now && order.order_type === "market" && isPartial(now)) words.push("The book does not have all of it; the rest would be cancelled.");
  return [...words, ...(now?.notes ?? [])].join(" ");
}
