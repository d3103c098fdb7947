/**
 * Candles with volume, own orders and fills; the interval above them and what the pointed-at candle says.
 *
 * Keys: left and right walk the candles, + and - zoom, End goes back to the newest, Escape lets go.
 * Layer: view.
 */

import { useCallback, useEffect, useLayoutEffect, useState } from "preact/hooks";

import { describeCandle, INTERVALS } from "../../model/chart/candles.js";
import { fillMarks, ORDER_LINES_MAX, orderLines } from "../../model/chart/chart-marks.js";
import { grouped, shortest } from "../../model/parts/decimal.js";
import { describeFailure, TOO_MANY_REQUESTS } from "../../model/parts/failures.js";
import { candleDay } from "../../model/parts/times.js";
import { html } from "../parts/html.js";
import { useServices } from "../parts/services.js";
import { Spoken } from "../parts/text.js";
import { useElement } from "../parts/use-element.js";
import { drawnAtPace, useModel, useModelSlowly } from "../parts/use-model.js";
import { useTheme } from "../parts/use-theme.js";
import { useTimes } from "../parts/use-times.js";
import { actOnKey } from "./chart-keys.js";
import { PriceChart } from "./price-chart.js";

/** @typedef {import("../parts/html.js").DomKeyEvent} DomKeyEvent */

/** The feed sends candles no more often. */
const DRAW_EVERY_MS = 200;
const OWN_EVERY_MS = 200;

export function Chart() {
  const { candleStore, portfolio } = useServices();
  useModelSlowly(DRAW_EVERY_MS, candleStore, "candles");
  useModelSlowly(OWN_EVERY_MS, portfolio, "orders", "fills");
  useModel(candleStore, "interval");
  /** @type {{current: HTMLElement}} */ const root = useElement();
  const times = useTimes();
  const { chart, failed } = usePriceChart(root, times);
  const [pointed, setPointed] = useState(/** @type {number | null} */ (null));
  const [walked, setWalked] = useState("");
  const { candles, instrument, interval } = candleStore;
  const [beyond, setBeyond] = useState(/** @type {import("./price-chart.js").BothBeyond | null} */ (null));
  if (chart) Object.assign(chart, { onHover: setPointed, onBeyond: setBeyond });
  const own = ownOf(candleStore, portfolio);
  useDrawing(chart, own);
  const candle = (pointed !== null && candles.at(pointed)) || candles.last;
  const point = (/** @type {import("../../model/chart/candles.js").Candle | null} */ to) => {
    chart?.pointAt(to);
    setPointed(to?.time ?? null);
    setWalked(to ? sentenceOf(to, candleStore, times) : "");
  };
  const onKeyDown = (/** @type {DomKeyEvent} */ event) => {
    if (!chart) return;
    const at = pointed === null ? candles.row.length : candles.indexOf(pointed);
    actOnKey(event, {
      ArrowLeft: () => point(candles.row[Math.max(0, at - 1)] ?? null),
      ArrowRight: () => point(candles.row[at + 1] ?? candles.last),
      "+": () => chart.zoom(1),
      "-": () => chart.zoom(-1),
      End: () => {
        point(null);
        chart.showNewest();
      },
      Escape: pointed === null ? undefined : () => point(null),
    });
  };
  return html`
    <div class="chart-tools">
      <${Intervals} />
      <${Legend} candle=${candle} interval=${interval} times=${times} base=${instrument?.base ?? ""} />
    </div>
    <div class="chart-area">
      <div class="chart" id="chart" ref=${root} role="application" aria-roledescription="chart" tabindex="0"
        aria-label=${titleOf(candleStore)}
        aria-describedby="chart-summary" onKeyDown=${onKeyDown}
        onBlur=${() => pointed !== null && chart && point(null)}></div>
      ${
        beyond &&
        html`<${BeyondMark} edge="above" arrow="▲" beyond=${beyond.above} />
        <${BeyondMark} edge="below" arrow="▼" beyond=${beyond.below} />`
      }
      <${ChartState} drawn=${chart !== null} failed=${failed} />
    </div>
    <p class="visually-hidden" id="chart-summary">${candle ? `${sentenceOf(candle, candleStore, times)} ` : ""}
      ${ownSentence(own)} Arrow keys walk the candles, plus and minus zoom, End goes to the newest.</p>
    <p class="visually-hidden" role="status">${walked}</p>`;
}

/**
 * At the edge behind which own orders stand.
 * @param {{edge: string, arrow: string, beyond: import("../../model/chart/chart-marks.js").Beyond}} props
 */
export function BeyondMark({ edge, arrow, beyond: { orders, text } }) {
  if (orders === 0) return null;
  return html`<p class="beyond" data-edge=${edge} title=${text}><span aria-hidden="true">${arrow} ${orders}</span>
    <${Spoken}>${text}<//></p>`;
}

/**
 * Prices to trade at come first, and nothing is drawn while the library is read.
 * @param {import("../../stores/market.js").MarketStore} market
 */
async function firstBook(market) {
  while (market.book.state === "empty")
    await new Promise((heard) => market.addEventListener("book", heard, { once: true }));
  await drawnAtPace();
}

/**
 * The chart once its library is here, which is fetched after the page has been drawn; `failed` when it did not come.
 * Another zone is another chart.
 * @param {{current: HTMLElement}} root
 * @param {import("../../model/parts/times.js").Times} times
 */
function usePriceChart(root, times) {
  const { candleStore, market } = useServices();
  const [chart, setChart] = useState(/** @type {PriceChart | null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let gone = false;
    /** @type {PriceChart | null} */ let made = null;
    const make = async () => {
      await firstBook(market);
      if (gone) return;
      made = await PriceChart.on(root.current, times);
      if (gone) return made.remove();
      made.onOlder = () => candleStore.loadOlder();
      setChart(made);
    };
    make().catch(() => setFailed(true));
    return () => {
      gone = true;
      setChart(null);
      made?.remove();
    };
  }, [candleStore, market, times]);
  return { chart, failed };
}

/**
 * What the account has in the shown symbol.
 * @param {import("../../stores/candles.js").CandleStore} candleStore
 * @param {import("../../stores/portfolio.js").PortfolioStore} portfolio
 */
function ownOf({ instrument, interval }, portfolio) {
  if (!instrument) return { lines: [], marks: [] };
  const { symbol } = instrument;
  return {
    lines: orderLines(portfolio.orders.open(), symbol),
    marks: fillMarks(portfolio.fills.fills, symbol, INTERVALS[interval]),
  };
}

/** @typedef {ReturnType<typeof ownOf>} Own */

/** Bring what is drawn up to what the models say. @param {PriceChart | null} chart @param {Own} own */
function useDrawing(chart, own) {
  const { candleStore } = useServices();
  const { candles, instrument, interval } = candleStore;
  useLayoutEffect(() => {
    if (chart && instrument) chart.configure(instrument.tick_size, interval);
  }, [chart, instrument?.symbol, interval]);
  useLayoutEffect(() => {
    if (!chart || !instrument) return;
    candles.forget(chart.spareOf(candles));
    chart.draw(candles);
    chart.drawOwn(own);
  });
  useTheme(useCallback(() => chart?.paint(), [chart]));
}

function Intervals() {
  const { candleStore } = useServices();
  useModel(candleStore, "interval");
  return html`
    <div class="intervals" role="group" aria-label="Length of a candle">
      ${Object.keys(INTERVALS).map(
        (name) => html`
        <button key=${name} type="button" class="interval" aria-pressed=${String(name === candleStore.interval)}
          onClick=${() => (candleStore.interval = name)}>${name}</button>`,
      )}
    </div>`;
}

/**
 * Of the candle that is pointed at, else of the newest.
 * @param {{candle: import("../../model/chart/candles.js").Candle | undefined, interval: string, times:
 *   import("../../model/parts/times.js").Times, base: string}} props
 */
function Legend({ candle, interval, times, base }) {
  if (!candle) return html`<p class="legend" id="legend"></p>`;
  const { open, high, low, close, change, volume } = describeCandle(candle, base);
  const direction = change.startsWith("−") ? "-1" : change.startsWith("+") ? "1" : "0";
  return html`
    <p class="legend" id="legend" data-direction=${direction}>
      <span class="legend-time" title=${
        interval === "1d" ? "From midnight UTC to midnight UTC" : times.whole(candle.time)
      }>
        ${candleText(candle.time, interval, times)}</span>
      <span><i>O</i> ${open}</span><span><i>H</i> ${high}</span><span><i>L</i> ${low}</span><span><i>C</i> ${close}
      </span>
      <span>${change}</span><span class="legend-volume"><i>V</i> ${volume}</span>
    </p>`;
}

/** What stands in for candles that are not there. @param {{drawn: boolean, failed: boolean}} props */
function ChartState({ drawn, failed }) {
  const { candleStore } = useServices();
  const { candles, failure, state } = candleStore;
  if (failed)
    return html`<p class="chart-state" role="status">What draws the chart did not come. All else works; the page loaded
      anew asks for it again.</p>`;
  if (state === "waiting" && failure) {
    const why =
      failure.status === TOO_MANY_REQUESTS ? "The venue asks us to slow down." : describeFailure(failure, "ask");
    return html`<p class="chart-state" role="status">${why} The chart is asked for again by itself.</p>`;
  }
  if (state === "loading" || !drawn) return html`<${Skeleton} />`;
  if (candles.row.length === 0)
    return html`<p class="chart-state">Nothing has traded here yet. The first trade draws the first candle.</p>`;
  return null;
}

const BARS = Object.freeze([38, 44, 40, 52, 58, 50, 46, 55, 63, 60, 68, 62, 57, 64, 72, 69, 61, 66, 74, 70]);

function Skeleton() {
  return html`
    <div class="chart-skeleton" aria-hidden="true">
      ${BARS.map((height, index) => html`<span key=${index} style=${{ height: `${height}%` }}></span>`)}
    </div>
    <${Spoken}>The chart is loading.<//>`;
}

/** @param {import("../../stores/candles.js").CandleStore} candleStore */
function titleOf({ instrument, interval }) {
  return `Price chart${instrument ? ` of ${instrument.symbol}, ${interval} candles` : ""}`;
}

/** What of the account's own is drawn. @param {Own} own */
function ownSentence({ lines, marks }) {
  const said = [
    ...lines.slice(0, ORDER_LINES_MAX),
    ...marks.map(({ text }) => ({ title: `filled: ${text}`, text: "" })),
  ].map(({ title, text }) => (text === "" ? title : `${title} at ${grouped(shortest(text))}`));
  return said.length > 0 ? `Yours: ${said.join("; ")}.` : "";
}

/**
 * When a candle begins, and in which zone; a day is one of UTC everywhere.
 * @param {number} time
 * @param {string} interval
 * @param {import("../../model/parts/times.js").Times} times
 */
function candleText(time, interval, times) {
  return interval === "1d"
    ? `${candleDay(time)}, a day of UTC`
    : `${times.candle(time, interval)} ${times.name(time * 1_000)}`;
}

/**
 * @param {import("../../model/chart/candles.js").Candle} candle
 * @param {import("../../stores/candles.js").CandleStore} candleStore
 * @param {import("../../model/parts/times.js").Times} times
 */
function sentenceOf(candle, { instrument, interval }, times) {
  const { open, high, low, close, volume } = describeCandle(candle, instrument?.base ?? "");
  const time = candleText(candle.time, interval, times);
  return `${time}: open ${open}, high ${high}, low ${low}, close ${close}, volume ${volume}.`;
}
