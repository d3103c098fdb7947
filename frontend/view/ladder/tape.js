/**
 * The tape: trades as they happen, newest on top, coloured by who took; the account's own and those of auctions marked.
 *
 * It stands still while a pointer or the focus is on it, so that it can be read, and shows how many came meanwhile.
 * Layer: view.
 */

import { useEffect, useMemo, useState } from "preact/hooks";

import { textColumnOf } from "../../model/parts/columns.js";
import { breadth, grouped, scaleOf, shortest } from "../../model/parts/decimal.js";
import { describeDelay } from "../../model/parts/failures.js";
import { html } from "../parts/html.js";
import { memo } from "../parts/memo.js";
import { useServices } from "../parts/services.js";
import { NumberText, Spoken } from "../parts/text.js";
import { useModel, useModelSlowly } from "../parts/use-model.js";
import { useTimes } from "../parts/use-times.js";

/** Nobody reads trades as fast as they come; each drawing moves all rows. */
const DRAW_EVERY_MS = 100;
/** That a size has room for. */
const SIZE_DIGITS = 8;
const NO_PRICE = "An account traded with itself: this is no price";
/** @type {Readonly<Record<string, [word: string, spoken: string]>>} */
const SIDE_WORDS = Object.freeze({ buy: ["Buy", "buyer took"], sell: ["Sell", "seller took"] });
/** Own fills are looked for among so many of the newest. */
const FILLS_MAX = 500;

export function Tape() {
  const { market, portfolio } = useServices();
  useModelSlowly(DRAW_EVERY_MS, market, "tape");
  useModel(market, "symbol");
  useModel(portfolio, "fills", "switch");
  const { tape, instrument } = market;
  const { held, hold, release } = useHeld(market);
  const fills = portfolio.fills.fills;
  const own = useMemo(() => ownTrades(fills, instrument?.symbol), [fills, instrument]);
  const trades = held ?? tape.trades;
  const sizeOf = textColumnOf(
    trades.map(({ quantity }) => quantity),
    SIZE_DIGITS,
    scaleOf(instrument?.lot_size ?? "1"),
  );
  const waiting = held === null ? 0 : tape.newerThan(held[0]);
  return html`
    <section class="panel tape-panel" aria-labelledby="tape-title">
      <div class="tape-head">
        <h2 id="tape-title">Trades</h2>
        <p class="tape-paused" id="tape-paused"
          hidden=${held === null}>Paused${
            waiting > 0 && html` · <b>${waiting}${tape.lost(held?.[0]) ? "+" : ""} new</b>`
          }</p>
      </div>
      <div class="scroller" id="tape" tabindex="0" role="region" aria-labelledby="tape-title"
        style=${{ "--price-digits": breadth(grouped(trades[0]?.price ?? "")) }}
        onPointerEnter=${(event) => event.pointerType === "mouse" && hold("pointer")}
        onPointerLeave=${() => release("pointer")}
        onFocusIn=${() => hold("focus")} onFocusOut=${() => release("focus")}>
        <table role="table" aria-labelledby="tape-title">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">Price <span>${instrument?.quote ?? ""}</span></th>
              <th role="columnheader" scope="col">Size <span>${instrument?.base ?? ""}</span></th>
              <th role="columnheader" scope="col">Time</th>
              <th role="columnheader" scope="col" class="side">Side</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            ${trades.map(
              (trade) => html`
              <${TradeRow} key=${`${trade.symbol} ${trade.trade_id}`} trade=${trade} size=${sizeOf(trade.quantity)}
                own=${own.has(trade.trade_id)} />`,
            )}
          </tbody>
        </table>
        ${trades.length === 0 && html`<p class="empty" role="status">${emptyText(market)}</p>`}
      </div>
    </section>`;
}

/** @param {import("../../stores/market.js").MarketStore} market */
function emptyText({ tapeLoaded, tapeFailure }) {
  if (tapeFailure) return describeDelay(tapeFailure);
  return tapeLoaded ? "No trades yet." : "Loading…";
}

/**
 * What the tape showed when it was held; null while it runs.
 * @param {import("../../stores/market.js").MarketStore} market
 */
function useHeld(market) {
  const [state, setState] = useState({
    held: /** @type {import("../../model/types.js").Trade[] | null} */ (null),
    by: "",
  });
  useEffect(() => {
    const forget = () => setState(({ by }) => ({ held: by ? [] : null, by }));
    market.addEventListener("symbol", forget);
    return () => market.removeEventListener("symbol", forget);
  }, [market]);
  const hold = (/** @type {string} */ name) =>
    setState(({ held, by }) => ({ held: held ?? [...market.tape.trades], by: `${by} ${name}`.trim() }));
  const release = (/** @type {string} */ name) =>
    setState(({ held, by }) => {
      const left = by
        .split(" ")
        .filter((each) => each !== name)
        .join(" ");
      return { held: left ? held : null, by: left };
    });
  return { held: state.held, hold, release };
}

/**
 * @param {import("../../model/orders/fills.js").Fill[]} fills newest first
 * @param {string | undefined} symbol
 * @returns {Set<string>} trade ids
 */
function ownTrades(fills, symbol) {
  return new Set(
    fills
      .slice(0, FILLS_MAX)
      .filter((fill) => fill.symbol === symbol)
      .map((fill) => fill.trade_id),
  );
}

/**
 * A trade never changes; at most it turns out to be ours, or a greater one leaves less room.
 * @param {{trade: import("../../model/types.js").Trade, size: string, own: boolean}} props
 */
const TradeRow = memo(({ trade, size, own }) => {
  const times = useTimes();
  const [word, spoken] = SIDE_WORDS[trade.aggressor_side];
  return html`
    <tr role="row" data-side=${trade.aggressor_side}
      class=${[own && "own", trade.auction && "auction", trade.self_trade && "no-price"].filter(Boolean).join(" ")}
      title=${own ? "Your fill" : trade.self_trade ? NO_PRICE : trade.auction ? "Traded in an auction" : null}>
      <td role="cell" class="price"><span>${grouped(trade.price)}</span></td>
      <td role="cell" title=${shortest(size) === shortest(trade.quantity) ? null : grouped(trade.quantity)}>
        <${NumberText} value=${size} /></td>
      <td role="cell" class="time">${times.clock(trade.timestamp)}</td>
      <td role="cell" class="side">${
        trade.auction
          ? html`<span>Auction</span>`
          : html`<span aria-hidden="true">${word}</span><${Spoken}>${spoken}<//>`
      }${trade.self_trade && html`<${Spoken}>, with itself<//>`}${own && html`<${Spoken}>, your fill<//>`}</td>
    </tr>`;
});
