/**
 * The drawing of candles, volume, own orders and own fills, by the chart library; knows nothing of components.
 *
 * Its logo would bring a style element, which the policy does not allow; the foot of the page names whose charts
 * these are. The library is fetched when the first chart is made, after the page itself.
 * Layer: view.
 */

import { drawnCandle, rose } from "../../model/chart/candles.js";
import { labelled, ORDER_LINES_MAX, ordersBeyond } from "../../model/chart/chart-marks.js";
import { grouped, scaleOf } from "../../model/parts/decimal.js";
import { candleDay, UTC } from "../../model/parts/times.js";
import { colourOf } from "./colours.js";

/** Older candles are asked for when fewer than this many are left of what shows. */
const OLDER_MARGIN = 30;
/** Candles before what shows that are kept, so that a chart left open for days holds no more than one just opened. */
const KEPT_BEFORE = 500;
const BAR_SPACING = 7;
/** Bars of room on the right, where the prices of own orders are named. */
const RIGHT_OFFSET = 9;
/** Bars that the text of a mark takes. */
const MARK_BARS = 9;
const ZOOM_STEP = 1.25;
/** Of the label of a price on its axis, CSS pixels. */
const LABEL_HEIGHT = 17;
const NONE_BEYOND = Object.freeze({ orders: 0, text: "" });

/**
 * @typedef {{above: import("../../model/chart/chart-marks.js").Beyond, below:
 *   import("../../model/chart/chart-marks.js").Beyond}} BothBeyond
 */

/**
 * @typedef {{lines: import("../../model/chart/chart-marks.js").OrderLine[], marks:
 *   import("../../model/chart/chart-marks.js").FillMark[]}} OwnMarks
 */

export class PriceChart {
  /**
   * Called with the time of the candle under the pointer, or null.
   * @type {(time: number | null) => void}
   */
  onHover = () => {};
  /**
   * Called when other own orders than before stand above or below the prices that show.
   * @type {(beyond: BothBeyond) => void}
   */
  onBeyond = () => {};
  /** Called when older candles are wanted. */
  onOlder = () => {};
  #library;
  #chart;
  #times;
  #interval = "";
  // The library's series take times of a type of its own, which are numbers all the same.
  /** @type {any} */ #candles;
  /** @type {any} */ #volume;
  /** @type {any} */ #marks;
  /**
   * By key: the library's line and how it is labelled.
   * @type {Map<string, {line: any, order: import("../../model/chart/chart-marks.js").OrderLine, title: string | null}>}
   */
  #lines = new Map();
  /** What was last given to `onBeyond`. @type {BothBeyond} */ #beyond = { above: NONE_BEYOND, below: NONE_BEYOND };
  /** A frame in which labels are set, asked for. */ #labelling = 0;
  #drawnRevision = -1;
  #drawnCount = 0;
  /** @type {import("../../model/chart/candles.js").Candles | null} */ #drawn = null;
  #colours = coloursNow();
  /** @type {OwnMarks} */ #own = { lines: [], marks: [] };
  #removed = false;
  /** Room for a bar that was asked for since the last frame. @type {number | null} */ #spacing = null;

  /**
   * @param {HTMLElement} root
   * @param {import("../../model/parts/times.js").Times} times of its axis
   * @returns {Promise<PriceChart>}
   */
  static async on(root, times) {
    return new PriceChart(await import("lightweight-charts"), root, times);
  }

  /**
   * @param {typeof import("lightweight-charts")} library
   * @param {HTMLElement} root
   * @param {import("../../model/parts/times.js").Times} times
   */
  constructor(library, root, times) {
    this.#library = library;
    this.#times = times;
    this.#chart = library.createChart(root, {
      autoSize: true,
      layout: { attributionLogo: false, fontSize: 11 },
      timeScale: { timeVisible: true, rightOffset: RIGHT_OFFSET, barSpacing: BAR_SPACING },
      crosshair: { mode: library.CrosshairMode.Normal },
    });
    this.#volume = this.#chart.addSeries(library.HistogramSeries, {
      priceFormat: { type: "volume" },
      priceScaleId: "volume",
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#candles = this.#chart.addSeries(library.CandlestickSeries);
    this.#chart
      .priceScale("right")
      .applyOptions({ entireTextOnly: true, alignLabels: false, scaleMargins: { top: 0.16, bottom: 0.22 } });
    this.#marks = library.createSeriesMarkers(this.#candles, []);
    // Whatever moves the prices, the library updates its primitives before it draws.
    this.#candles.attachPrimitive({
      updateAllViews: () => (this.#labelling ||= requestAnimationFrame(() => this.#label())),
    });
    this.#chart.subscribeCrosshairMove(({ time }) => this.onHover(/** @type {number | null} */ (time ?? null)));
    this.#chart
      .timeScale()
      .subscribeVisibleLogicalRangeChange((range) => range && range.from < OLDER_MARGIN && this.onOlder());
    this.#setTimes();
    this.#showWhenSeen();
    this.paint();
  }

  /** Candles of a day are days of UTC; all others are in the page's zone. */
  get #zone() {
    return this.#interval === "1d" ? UTC : this.#times;
  }

  /** Its own words for times, and days that begin where the zone's do: the library knows UTC alone. */
  #setTimes() {
    const timeFormatter = (/** @type {any} */ time) =>
      this.#interval === "1d" ? candleDay(time) : this.#zone.candle(time, this.#interval);
    this.#chart.applyOptions({
      localization: { timeFormatter },
      timeScale: {
        tickMarkFormatter: (/** @type {any} */ time, /** @type {any} */ mark) => this.#zone.mark(time, mark),
      },
    });
    /** @type {any} */ const scale = this.#chart.horzBehaviour();
    const weigh = scale.fillWeightsForPoints.bind(scale);
    scale.fillWeightsForPoints = (/** @type {any[]} */ points, /** @type {number} */ start) => {
      const shown = points.map(({ originalTime }) => {
        const ahead = this.#zone.aheadMs(originalTime * 1_000) / 1_000;
        return { time: scale.convertHorzItemToInternal(originalTime + ahead), timeWeight: 0 };
      });
      weigh(shown, start);
      for (let at = start; at < points.length; at += 1) points[at].timeWeight = shown[at].timeWeight;
    };
  }

  /**
   * Prices by the steps of the symbol, times as fine as the interval.
   * @param {string} tickSize
   * @param {string} interval
   */
  configure(tickSize, interval) {
    const decimals = scaleOf(tickSize);
    this.#interval = interval;
    const formatter = (/** @type {number} */ price) => grouped(price.toFixed(decimals));
    this.#candles.applyOptions({ priceFormat: { type: "custom", minMove: Number(tickSize), formatter } });
    this.#chart.applyOptions({ timeScale: { timeVisible: interval !== "1d", secondsVisible: interval === "1s" } });
  }

  /** Take on the theme that shows now. */
  paint() {
    this.#colours = coloursNow();
    const { buy, sell, soft, panel, grid, line, raised } = this.#colours;
    this.#chart.applyOptions({
      layout: { background: { color: panel }, textColor: soft },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      timeScale: { borderColor: line },
      rightPriceScale: { borderColor: line },
      crosshair: {
        vertLine: { color: soft, labelBackgroundColor: raised },
        horzLine: { color: soft, labelBackgroundColor: raised },
      },
    });
    this.#candles.applyOptions({
      upColor: buy,
      downColor: sell,
      borderUpColor: buy,
      borderDownColor: sell,
      wickUpColor: buy,
      wickDownColor: sell,
    });
    this.#drawnRevision = -1;
    if (this.#drawn) this.draw(this.#drawn);
    this.drawOwn(this.#own);
  }

  /** What changed at the end alone is drawn alone. @param {import("../../model/chart/candles.js").Candles} candles */
  draw(candles) {
    const another = candles !== this.#drawn;
    if (another || candles.revision !== this.#drawnRevision) {
      this.#candles.setData(candles.row.map(drawnCandle));
      this.#volume.setData(candles.row.map((candle) => this.#bar(candle)));
      if (another) this.showNewest();
    } else {
      // What came since the last drawing is at the end: the last that was drawn, and those behind it.
      for (const candle of candles.row.slice(Math.max(0, this.#drawnCount - 1))) {
        this.#candles.update(drawnCandle(candle));
        this.#volume.update(this.#bar(candle));
      }
    }
    this.#drawn = candles;
    this.#drawnRevision = candles.revision;
    this.#drawnCount = candles.row.length;
  }

  /**
   * How many of the oldest are so far before what shows that they need not be held.
   * @param {import("../../model/chart/candles.js").Candles} candles
   */
  spareOf(candles) {
    // Where the shown candles begin is not known before they are drawn.
    if (candles !== this.#drawn || candles.revision !== this.#drawnRevision) return 0;
    const shown = this.#chart.timeScale().getVisibleLogicalRange();
    return Math.max(0, Math.floor(shown ? shown.from : candles.row.length) - KEPT_BEFORE);
  }

  /** @param {OwnMarks} own */
  drawOwn(own) {
    this.#own = own;
    this.#drawOrders(own.lines);
    this.#drawFills(own.marks);
  }

  /** @param {import("../../model/chart/chart-marks.js").OrderLine[]} orders newest first */
  #drawOrders(orders) {
    const drawn = orders.slice(0, ORDER_LINES_MAX);
    const wanted = new Set(drawn.map(({ key }) => key));
    for (const [key, { line }] of this.#lines) {
      if (wanted.has(key)) continue;
      this.#candles.removePriceLine(line);
      this.#lines.delete(key);
    }
    const { LineStyle } = this.#library;
    for (const order of drawn) {
      const { key, price, side, stop } = order;
      const style = {
        price,
        color: this.#colours[side],
        lineWidth: 1,
        lineStyle: stop ? LineStyle.Dotted : LineStyle.Dashed,
      };
      const known = this.#lines.get(key);
      if (known) known.line.applyOptions(style);
      else
        this.#lines.set(key, {
          line: this.#candles.createPriceLine({ ...style, axisLabelVisible: false }),
          order,
          title: null,
        });
    }
    this.#label();
  }

  /**
   * Each label at its own price: those that have no room are counted by one that has, and what is not in sight is given
   * as above or below.
   */
  #label() {
    this.#labelling = 0;
    if (this.#removed) return;
    const height = this.#chart.panes()[0].getHeight();
    const [high, low] = [this.#candles.coordinateToPrice(0), this.#candles.coordinateToPrice(height)];
    if (high === null || low === null || height === 0) return;
    const places = [...this.#lines].map(([key, { order }]) => ({
      key,
      y: this.#candles.priceToCoordinate(order.price) ?? -1,
    }));
    const seen = places.filter(({ y }) => y >= 0 && y <= height);
    const named = labelled(seen, LABEL_HEIGHT);
    for (const [key, drawn] of this.#lines) {
      const others = named.get(key);
      const title = others === undefined ? null : `${drawn.order.title}${others > 0 ? ` +${others}` : ""}`;
      if (drawn.title !== title) drawn.line.applyOptions({ axisLabelVisible: title !== null, title: title ?? "" });
      drawn.title = title;
    }
    this.#setBeyond(ordersBeyond(this.#own.lines, low, high));
    // The own order's label is read, not what the header says in large letters.
    const last = this.#drawn?.last ? this.#candles.priceToCoordinate(Number(this.#drawn.last.close)) : null;
    const covered = last !== null && seen.some(({ key, y }) => named.has(key) && Math.abs(y - last) < LABEL_HEIGHT);
    if (this.#candles.options().lastValueVisible === covered)
      this.#candles.applyOptions({ lastValueVisible: !covered });
  }

  /** @param {BothBeyond} beyond */
  #setBeyond(beyond) {
    if (beyond.above.text === this.#beyond.above.text && beyond.below.text === this.#beyond.below.text) return;
    this.#beyond = beyond;
    this.onBeyond(beyond);
  }

  /** @param {import("../../model/chart/chart-marks.js").FillMark[]} marks */
  #drawFills(marks) {
    const first = this.#drawn?.row[0]?.time ?? Infinity;
    const drawn = marks.filter(({ time }) => time >= first);
    const named = this.#marksWithRoom(drawn);
    this.#marks.setMarkers(
      drawn
        .map((mark) => ({ ...mark, text: named.has(mark) ? mark.text : "" }))
        .map(({ time, side, text }) => ({
          time,
          text,
          color: this.#colours[side],
          ...(side === "buy"
            ? { position: "belowBar", shape: "arrowUp" }
            : { position: "aboveBar", shape: "arrowDown" }),
        })),
    );
  }

  /**
   * The newest of marks that stand too close for the text of each.
   * @param {import("../../model/chart/chart-marks.js").FillMark[]} marks oldest first
   */
  #marksWithRoom(marks) {
    const named = new Set();
    const before = { buy: Infinity, sell: Infinity };
    for (const mark of marks.toReversed()) {
      const bar = this.#drawn?.indexOf(mark.time) ?? -1;
      if (before[mark.side] - bar < MARK_BARS) continue;
      before[mark.side] = bar;
      named.add(mark);
    }
    return named;
  }

  /**
   * The crosshair on a candle, brought into view; null takes it away.
   * @param {import("../../model/chart/candles.js").Candle | null} candle
   */
  pointAt(candle) {
    if (candle === null) return this.#chart.clearCrosshairPosition();
    const scale = this.#chart.timeScale();
    const index = this.#drawn?.indexOf(candle.time) ?? -1;
    const range = scale.getVisibleLogicalRange();
    if (range && (index < range.from || index > range.to)) {
      const shift = index < range.from ? index - range.from - 1 : index - range.to + 1;
      scale.setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
    }
    this.#chart.setCrosshairPosition(Number(candle.close), /** @type {any} */ (candle.time), this.#candles);
  }

  /** @param {1 | -1} direction nearer, or farther away */
  zoom(direction) {
    const scale = this.#chart.timeScale();
    // The library takes it on with the next frame: until then steps add up here.
    this.#spacing = (this.#spacing ?? scale.options().barSpacing) * (direction > 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
    scale.applyOptions({ barSpacing: this.#spacing });
    requestAnimationFrame(() => (this.#spacing = null));
  }

  /** Back to the newest candle. */
  showNewest() {
    this.#chart.timeScale().applyOptions({ barSpacing: BAR_SPACING });
    this.#chart.timeScale().scrollToRealTime();
  }

  remove() {
    this.#removed = true;
    this.#chart.remove();
  }

  /** In a panel that is hidden there is no room to lay the candles out: that is done when it shows. */
  #showWhenSeen() {
    let seen = this.#chart.timeScale().width() > 0;
    this.#chart.timeScale().subscribeSizeChange((width) => {
      if (!seen && width > 0) this.showNewest();
      seen = width > 0 || seen;
    });
  }

  /** @param {import("../../model/chart/candles.js").Candle} candle */
  #bar(candle) {
    return {
      time: candle.time,
      value: Number(candle.volume),
      color: rose(candle) ? this.#colours.buyBar : this.#colours.sellBar,
    };
  }
}

function coloursNow() {
  return {
    buy: colourOf("--buy"),
    sell: colourOf("--sell"),
    buyBar: colourOf("--buy-volume"),
    sellBar: colourOf("--sell-volume"),
    soft: colourOf("--soft"),
    panel: colourOf("--panel"),
    grid: colourOf("--grid"),
    line: colourOf("--line"),
    raised: colourOf("--action"),
  };
}
