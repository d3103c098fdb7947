/** The page's own stores, without its views, over a venue that answers as a test says. */
import { CandleStore } from "../../frontend/stores/candles.js";
import { MarketStore } from "../../frontend/stores/market.js";
import { OperatorStore } from "../../frontend/stores/operator.js";
import { OrderEntryStore } from "../../frontend/stores/order-entry.js";
import { PortfolioStore } from "../../frontend/stores/portfolio.js";
import { WorkspaceStore } from "../../frontend/stores/workspace.js";

export const SYMBOL = "BTC-USDT";
export const INSTRUMENT = {
  base: "BTC",
  quote: "USDT",
  quote_scale: 10,
  tick_size: "0.01",
  lot_size: "0.00000001",
  status: "trading",
  fees: { maker_percent: "0", taker_percent: "0.1" },
  limits: { collar_percent: "10" },
};
export const ACCOUNT = { id: "1000", role: "user", fees: null, limits: {}, self_trade_prevention: "cancel_newest" };
export const SESSION = { session_id: "s", account: "1000", name: "ada", guest: false };

/**
 * The stores of a page that shows one symbol, over what the venue answers; `asked` has what it was asked.
 * @param {Record<string, (...question: any[]) => any>} [answers] by the name of a method of Api
 * @param {{session?: any}} [who] null: nobody is signed in
 */
export async function pageOf(answers = {}, { session = SESSION } = {}) {
  const asked = [];
  const defaults = {
    symbols: () => ({ symbol_info: { [SYMBOL]: INSTRUMENT }, seq: 1 }),
    orders: () => ({ orders: [], seq: 1, next_cursor: null }),
    fills: () => ({ fills: [], count: 0 }),
    account: () => ACCOUNT,
    trades: () => ({ trades: [] }),
    ticker: () => ({}),
    health: () => ({ flows: [], accepting: true, connections: 1 }),
    candles: () => ({ candles: [], seq: 1 }),
    testOrder: () => ({ accepted: false, error_code: "", error: "Not now." }),
  };
  const api = Object.fromEntries(
    Object.entries({ ...defaults, ...answers }).map(([name, answer]) => [
      name,
      async (...question) => {
        asked.push([name, ...question.filter((each) => !(each instanceof AbortSignal))]);
        return answer(...question);
      },
    ]),
  );
  const note = (name) => (subscription) => void asked.push([name, subscription]);
  const feed = {
    subscribe: note("subscribe"),
    unsubscribe: note("unsubscribe"),
    resubscribe: note("resubscribe"),
    reconnect() {},
    open() {},
  };
  const access = Object.assign(new EventTarget(), { session, state: session ? "signed_in" : "signed_out" });
  const kept = new Map();
  const workspace = new WorkspaceStore({
    get: (name, otherwise) => (kept.has(name) ? kept.get(name) : otherwise),
    set: (name, value) => void kept.set(name, value),
  });
  const portfolio = new PortfolioStore(api, feed, access, { next: () => "id-1" });
  const candleStore = new CandleStore(api, feed, workspace);
  const market = new MarketStore(api, feed, portfolio, candleStore);
  const entry = new OrderEntryStore(market);
  const operator = new OperatorStore(api, portfolio);
  await market.learnInstruments();
  access.dispatchEvent(new Event("session"));
  feed.onConnect();
  return { services: { access, api, candleStore, market, entry, operator, portfolio, workspace }, feed, asked };
}
