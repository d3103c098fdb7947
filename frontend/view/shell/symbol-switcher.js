/**
 * The shown symbol, and the list to choose another from: searched, favourites first, with last price and change.
 *
 * In the search, Enter takes the first that matches and the arrow keys walk the list. `workspace.findSymbol()` opens
 * it.
 * Layer: view.
 */

import { useEffect, useState } from "preact/hooks";
import { statusWord } from "../../model/market/trading-status.js";
import { compare, grouped, rounded } from "../../model/parts/decimal.js";
import { keyHint } from "../../model/shell/shortcuts.js";
import { toggled, watchlist } from "../../model/shell/watchlist.js";
import { giveFocus, isNowhere } from "../parts/focus.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { useModel } from "../parts/use-model.js";

/** @typedef {import("../parts/html.js").DomEvent} DomEvent */

const FAVOURITES = "favourites";
/** While the list is open its prices are asked for this often. */
const PRICES_EVERY_MS = 2_000;

export function SymbolSwitcher() {
  const { market, workspace } = useServices();
  useModel(market, "instruments", "symbol");
  /** @type {{current: HTMLElement}} */ const list = useElement();
  /** @type {{current: HTMLButtonElement}} */ const button = useElement();
  const [open, setOpen] = useState(false);
  const { instrument, instruments } = market;
  useEffect(() => {
    const show = () => list.current.showPopover();
    workspace.addEventListener("find", show);
    return () => workspace.removeEventListener("find", show);
  }, [workspace]);
  const onToggle = (/** @type {ToggleEvent} */ { newState }) => {
    setOpen(newState === "open");
    if (newState === "closed" && (isNowhere() || list.current.contains(document.activeElement)))
      giveFocus(button.current);
  };
  return html`
    <button type="button" class="switcher" id="symbol" ref=${button} popovertarget="symbols" ...${keyHint("find")}
      aria-haspopup="dialog" aria-expanded=${String(open)}
      disabled=${instruments.size === 0} title="Find a symbol ( / )">
      <${Spoken}>Symbol: <//><span class="switcher-symbol">${instrument?.symbol ?? "Loading…"}</span>
    </button>
    <div class="menu symbols" id="symbols" popover="auto" role="dialog" aria-label="Symbols" ref=${list}
      onToggle=${onToggle}>
      ${open && html`<${List} close=${() => list.current.hidePopover()} />`}
    </div>`;
}

/** @param {{close: () => void}} props */
function List({ close }) {
  const { market, workspace } = useServices();
  useModel(market, "instruments", "symbol");
  useModel(workspace, "layout");
  const [sought, setSought] = useState("");
  /** @type {{current: HTMLInputElement}} */ const search = useElement();
  const tickers = useTickers(market);
  useEffect(() => search.current.focus(), []);
  useEffect(() => void market.learnInstruments(), [market]);
  const favourites = workspace.recall(FAVOURITES, /** @type {string[]} */ ([]));
  const listed = watchlist(market.instruments.values(), tickers, favourites, sought);
  const pick = (/** @type {string} */ symbol) => {
    close();
    if (symbol !== market.instrument?.symbol) market.select(symbol);
  };
  const onSubmit = (/** @type {DomEvent} */ event) => {
    event.preventDefault();
    if (listed.length > 0) pick(listed[0].symbol);
  };
  return html`
    <form role="search" onSubmit=${onSubmit} onKeyDown=${walk}>
      <label class="symbol-search"><${Spoken}>Find a symbol<//>
        <input type="search" ref=${search} value=${sought} placeholder="Find a symbol" autocomplete="off"
          spellcheck=${false} enterkeyhint="go"
          aria-controls="symbol-list" onInput=${(event) => setSought(event.target.value)} />
      </label>
      <ul class="symbol-list" id="symbol-list" aria-label="Symbols">
        ${listed.map(
          (each) => html`
          <${Row} key=${each.symbol} ...${each} current=${each.symbol === market.instrument?.symbol} pick=${pick}
            star=${() => workspace.remember(FAVOURITES, toggled(favourites, each.symbol))} />`,
        )}
      </ul>
      <p class=${listed.length > 0 ? "visually-hidden" : "empty"} role="status">
        ${
          listed.length > 0
            ? `${listed.length} ${listed.length === 1 ? "symbol" : "symbols"}`
            : `No symbol is called “${sought}”.`
        }
      </p>
    </form>`;
}

/**
 * @param {import("../../model/shell/watchlist.js").Listed & {current: boolean, pick: (symbol: string) => void, star: ()
 *   => void}} props
 */
function Row({ symbol, status, favourite, last, change_percent, current, pick, star }) {
  const direction = change_percent === null ? 0 : compare(change_percent, "0");
  const change =
    change_percent === null ? "–" : `${direction > 0 ? "+" : ""}${rounded(change_percent, 2).replace("-", "−")} %`;
  return html`
    <li>
      <button type="button" class="star" aria-pressed=${String(favourite)} aria-label=${`${symbol} is a favourite`}
        onClick=${star}>
        <span aria-hidden="true">${favourite ? "★" : "☆"}</span>
      </button>
      <button type="button" class="symbol-row" data-symbol=${symbol} aria-current=${current ? "true" : null}
        onClick=${() => pick(symbol)}>
        <span class="symbol-name">${symbol}
          ${status === "trading" ? null : html` <span class="symbol-status">${statusWord({ status }).word}</span>`}
        </span>
        <span class="symbol-last">${last === null ? "–" : grouped(last)}</span>
        <span class="symbol-change" data-direction=${direction}>${change}</span>
      </button>
    </li>`;
}

/**
 * Up and down walk from the search through the rows and back.
 * @param {KeyboardEvent & {currentTarget: HTMLElement}} event
 */
function walk(event) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const by = event.key === "ArrowDown" ? 1 : -1;
  event.preventDefault();
  /** @type {NodeListOf<HTMLElement>} */ const found = event.currentTarget.querySelectorAll("input, .symbol-row");
  const stops = [...found];
  const at = stops.findIndex(
    (stop) => stop === document.activeElement || stop.parentElement?.contains(document.activeElement),
  );
  stops.at((at + by) % stops.length)?.focus();
}

/** Kept current while the list is open. @param {import("../../stores/market.js").MarketStore} market */
function useTickers(market) {
  const [tickers, setTickers] = useState(/** @type {Record<string, any>} */ ({}));
  useEffect(() => {
    const closed = new AbortController();
    let timer = 0;
    const load = async () => {
      let waitMs = PRICES_EVERY_MS;
      try {
        setTickers(await market.tickers(closed.signal));
      } catch ({ retryAfterMs }) {
        // Prices that do not come are asked for again soon, not before the venue wants to be asked.
        waitMs = Math.max(waitMs, retryAfterMs ?? 0);
      }
      if (!closed.signal.aborted) timer = setTimeout(load, waitMs);
    };
    load();
    return () => {
      closed.abort();
      clearTimeout(timer);
    };
  }, [market]);
  return tickers;
}
