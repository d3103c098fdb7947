/**
 * What the order in the ticket would do now: price, slippage, fee, what is held; and, where money is at risk, a
 * caution.
 * Layer: view.
 */

import { gathers, whyNotTaken } from "../../model/market/trading-status.js";
import { AVERAGE_DECIMALS } from "../../model/orders/answers.js";
import {
  compare,
  fromUnits,
  grouped,
  isZero,
  rounded,
  scaleOf,
  shortest,
  subtract,
  truncated,
  unitsOf,
} from "../../model/parts/decimal.js";
import { withinSentence } from "../../model/parts/failures.js";
import { describeShort } from "../../model/ticket/funds.js";
import { risesToTrigger, waitsForStop } from "../../model/ticket/order-types.js";
import { describeEnd, isCostly, isEnded, isImmediate, isPartial } from "../../model/ticket/preview.js";
import { timeInForce } from "../../model/ticket/ticket.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";

const PERCENT_DECIMALS = 2;
const AMOUNT_DECIMALS = 8;

/** @typedef {ReturnType<import("../../stores/order-entry.js").OrderEntryStore["checked"]>} Checked */

/** @param {{checked: Checked}} props */
export function TicketPreview({ checked }) {
  const { market, entry, portfolio } = useServices();
  const { instrument } = market;
  const { balances } = portfolio;
  const { now, asking } = entry.preview;
  const pays = instrument && (entry.fields.side === "buy" ? instrument.quote : instrument.base);
  const { order } = checked;
  const offered = order && now && isZero(now.filled) ? entry.preview.offered(order) : "0";
  const texts =
    instrument && now && order
      ? previewTexts(now, order, { instrument, offered, gathering: gathers(market.trading.status) })
      : {};
  const lines = [
    [
      "available",
      "Available",
      balances.loaded && pays ? money(truncated(balances.available(pays), AMOUNT_DECIMALS), pays) : null,
    ],
    ["average", "Average price", texts.average],
    ["slippage", "Slippage", texts.slippage],
    ["cost", "Trades now", texts.cost],
    ["fee", "Fee", texts.fee],
    outcomeOf(entry.fields, checked, now, instrument),
    ...(texts.exits || entry.fields.take_profit || entry.fields.stop_loss ? [["exits", "Exits", texts.exits]] : []),
  ];
  return html`
    <dl class="estimate" data-asking=${asking ? "true" : null}>
      ${lines.map(
        ([name, title, text]) => html`<div key=${name}><dt>${title}</dt><dd data-estimate=${name}>
        ${text || "–"}</dd></div>`,
      )}
    </dl>
    <p class="caution" id="caution" role="status">${cautionText({ market, checked, now, offered })}</p>`;
}

/**
 * What it comes to: what is set aside for an order that may wait, else what is paid, or is got for what is sold.
 * @param {import("../../model/ticket/ticket.js").TicketFields} fields
 * @param {Checked} checked
 * @param {import("../../model/ticket/preview.js").Preview | null} now
 * @param {import("../../model/types.js").Instrument | null} instrument
 * @returns {[name: string, title: string, text: string | null]}
 */
function outcomeOf(fields, { funds, order }, now, instrument) {
  const preview = now && !now.refused ? now : null;
  const needed = funds ? money(funds.needed.amount, funds.needed.asset) : null;
  if (!isImmediate({ order_type: fields.type, time_in_force: timeInForce(fields) }) && !(preview && isEnded(preview))) {
    const rests =
      preview?.held && (needed === null || funds?.doubtful || !isZero(preview.filled))
        ? money(preview.held.amount, preview.held.asset)
        : null;
    return ["holds", "Held at most", rests ?? needed];
  }
  const buys = fields.side === "buy";
  const [name, title] = buys ? ["holds", "You pay, with fee"] : ["gets", "You get, after fee"];
  if (!instrument || !preview) return [name, title, buys && order?.order_type === "market" ? needed : null];
  if (isZero(preview.filled)) return [name, title, "nothing"];
  return [
    name,
    title,
    money(subtract(preview.notional, buys ? subtract("0", preview.fee) : preview.fee), instrument.quote),
  ];
}

/** @param {string} amount @param {string} asset */
function money(amount, asset) {
  return `${grouped(shortest(rounded(amount, AMOUNT_DECIMALS)))} ${asset}`;
}

/**
 * @param {import("../../model/ticket/preview.js").Preview} preview
 * @param {any} order
 * @param {{instrument: import("../../model/types.js").Instrument, offered: string, gathering: boolean}} market
 */
function previewTexts(preview, order, { instrument, offered, gathering }) {
  if (preview.refused) return {};
  const { base, quote, tick_size: tick } = instrument;
  const exits =
    preview.exits &&
    `${grouped(shortest(preview.exits.quantity))} ${base}, ${preview.exits.at_once ? "at once" : "when it has ended"}`;
  if (preview.average === null || isZero(preview.filled)) {
    if (isImmediate(order) || isEnded(preview)) {
      const nobody = order.order_type === "market" && isZero(offered);
      return { average: nobody ? "nobody is quoting" : "would be cancelled", cost: "nothing", fee: "none" };
    }
    const rests = order.order_type === "limit" || order.order_type === "oco";
    const where = gathering ? "gathers for the auction" : "rests in the book";
    return {
      average: rests ? where : "waits for its trigger",
      cost: "nothing",
      fee: rests && !gathering ? "maker's, when it trades" : "",
      exits,
    };
  }
  const part = isPartial(preview) ? ` for ${grouped(shortest(preview.filled))} ${base}` : "";
  return {
    average: `${grouped(rounded(preview.average, scaleOf(tick) + AVERAGE_DECIMALS))} ${quote}`,
    slippage: preview.slippagePercent === null ? null : `${percentText(preview.slippagePercent)} %`,
    cost: `${grouped(preview.notional)} ${quote}${part}`,
    fee: money(preview.fee, quote),
    exits,
  };
}

/** Always with its decimals. @param {string} percent */
function percentText(percent) {
  const text = fromUnits(unitsOf(rounded(percent, PERCENT_DECIMALS), PERCENT_DECIMALS), PERCENT_DECIMALS);
  return text.startsWith("-") ? `−${text.slice(1)}` : text;
}

/**
 * What one should know before sending; "" of an ordinary order.
 * @param {{market: import("../../stores/market.js").MarketStore, checked: Checked, now:
 *   import("../../model/ticket/preview.js").Preview | null, offered: string}} what
 */
function cautionText({ market, checked: { order, funds }, now, offered }) {
  const { instrument, trading } = market;
  const closed = instrument ? whyNotTaken(trading.status, instrument.symbol, order) : "";
  if (closed) return closed;
  if (order === null || funds?.short) return "";
  const [last] = market.tape.trades;
  const away = last && waitsForStop(order.order_type) ? compare(last.price, order.stop_price) : null;
  const reached = away !== null && (risesToTrigger(order) ? away >= 0 : away <= 0);
  if (now?.refused) return `The venue would refuse it: ${withinSentence(now.refused)}`;
  const words = [];
  if (reached) words.push(`The last trade, ${grouped(last.price)}, is there already: it triggers at once.`);
  if (now && isCostly(now))
    words.push(
      `Slippage: it would trade ${percentText(now.slippagePercent ?? "0")} % worse than the middle of the book.`,
    );
  if (now === null && funds?.doubtful)
    words.push(`It may cost more than there is. ${describeShort(funds.needed, funds.available)}`);
  if (now && instrument) words.push(describeEnd(now, order, offered, instrument.base));
  return [...words, ...(now?.notes ?? [])].filter(Boolean).join(" ");
}
