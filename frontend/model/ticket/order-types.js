/**
 * The order types of the venue: what each needs, what it may have, how long it may live, and their words.
 * Layer: model.
 */

/**
 * @typedef {"limit" | "market" | "stop" | "stop_limit" | "trailing_stop" | "take_profit" | "take_profit_limit" | "oco"}
 *   TicketType
 */
/** @typedef {"gtc" | "day" | "gtd" | "ioc" | "fok"} TimeInForce */
/** @typedef {"price" | "stop_price" | "stop_limit_price" | "trail"} PriceField */
/**
 * @typedef {object} OrderTypeRules
 * @property {string} title
 * @property {string} name within a sentence
 * @property {PriceField[]} prices fields that must be filled in, in the order they are shown
 * @property {PriceField[]} optional prices
 * @property {TimeInForce[]} times the first is what it has unless another is chosen
 * @property {string[]} options beyond the time in force
 * @property {string} hint what it does
 */

/** @type {TimeInForce[]} */
const WAITS = ["gtc", "day", "gtd"];

/** @type {Readonly<Record<TicketType, Readonly<OrderTypeRules>>>} */
export const ORDER_TYPES = Object.freeze({
  limit: {
    title: "Limit",
    name: "limit",
    prices: ["price"],
    optional: [],
    times: [...WAITS, "ioc", "fok"],
    options: ["post_only", "display_quantity", "exits"],
    hint: "Takes what it can at your price or better; the rest waits in the book.",
  },
  market: {
    title: "Market",
    name: "market",
    prices: [],
    optional: [],
    times: ["ioc", "fok"],
    options: ["exits"],
    hint: "Takes the best prices there are; what is left is cancelled.",
  },
  stop: {
    title: "Stop",
    name: "stop",
    prices: ["stop_price"],
    optional: [],
    times: WAITS,
    options: [],
    hint: "Waits unseen until a trade reaches the stop price, then goes to the market.",
  },
  stop_limit: {
    title: "Stop limit",
    name: "stop limit",
    prices: ["stop_price", "price"],
    optional: [],
    times: WAITS,
    options: ["display_quantity"],
    hint: "Waits unseen until a trade reaches the stop price, then is a limit order.",
  },
  trailing_stop: {
    title: "Trailing",
    name: "trailing stop",
    prices: ["trail"],
    optional: [],
    times: WAITS,
    options: [],
    hint: "A stop that follows the best price since at this distance, and never back.",
  },
  take_profit: {
    title: "Profit",
    name: "take profit",
    prices: ["stop_price"],
    optional: [],
    times: WAITS,
    options: [],
    hint: "Waits unseen until a trade is at the stop price or better for you, then goes to the market.",
  },
  take_profit_limit: {
    title: "Profit limit",
    name: "take profit limit",
    prices: ["stop_price", "price"],
    optional: [],
    times: WAITS,
    options: ["display_quantity"],
    hint: "Waits unseen until a trade is at the stop price or better for you, then is a limit order.",
  },
  oco: {
    title: "OCO",
    name: "one-cancels-other",
    prices: ["price", "stop_price"],
    optional: ["stop_limit_price"],
    times: WAITS,
    options: [],
    hint: "One cancels other: a limit and a stop; what happens first ends the other.",
  },
});

/** How long an order lives: for the choice, and beside an order. */
export const TIMES = Object.freeze({
  gtc: { title: "Until cancelled (GTC)", short: "GTC", hint: "" },
  day: {
    title: "Until the day's end (Day)",
    short: "Day",
    hint: "Ends with the session, or at midnight UTC where there are none.",
  },
  gtd: { title: "Until a time (GTD)", short: "GTD", hint: "" },
  ioc: { title: "Immediate or cancel (IOC)", short: "IOC", hint: "Takes what it can at once, cancels the rest." },
  fok: { title: "All at once or nothing (FOK)", short: "FOK", hint: "All of it now, or nothing at all." },
});

/** @param {string} time in force, as the wire has it @returns {string} in a few letters */
export function timeName(time) {
  return TIMES[/** @type {TimeInForce} */ (time)]?.short ?? time;
}

/** What happens when an order meets one of the same account. "" as the account is set up. */
const SELF_TRADE_MODES = Object.freeze({
  "": "As my account is set",
  none: "Trade with myself",
  cancel_newest: "Cancel the newer",
  cancel_oldest: "Cancel the older",
  cancel_both: "Cancel both",
  decrement: "Reduce both",
});

/**
 * The modes that an account may choose: to trade with itself is only for one that is set so, as that of a sandbox is.
 * A mode that is chosen already stays in sight.
 * @param {{self_trade_prevention?: string} | null} account of GET /account
 * @param {string} chosen
 */
export function selfTradeModes(account, chosen) {
  const itself = account?.self_trade_prevention === "none" || chosen === "none";
  return Object.entries(SELF_TRADE_MODES).filter(([mode]) => mode !== "none" || itself);
}

export const POST_ONLY_MODES = Object.freeze({
  "": "No",
  reject: "Refuse if it would take",
  slide: "Move one tick behind",
});

/** What a field is called within a sentence. @type {Readonly<Record<string, string>>} */
export const NOUNS = Object.freeze({
  price: "price",
  stop_price: "stop price",
  stop_limit_price: "stop limit price",
  trail: "distance",
  quantity: "quantity",
  display_quantity: "shown quantity",
  take_profit: "take profit price",
  stop_loss: "stop loss price",
  stop_loss_limit: "stop loss limit",
});

/** @param {string} type of an order, as the wire has it @returns {string} */
export function typeName(type) {
  return ORDER_TYPES[/** @type {TicketType} */ (type)]?.name ?? type;
}

/** Whether it waits for a single stop price. @param {string} type of an order, as the wire has it */
export function waitsForStop(type) {
  return type !== "oco" && Boolean(ORDER_TYPES[/** @type {TicketType} */ (type)]?.prices.includes("stop_price"));
}

/**
 * Whether it triggers once a trade is at or above its stop price; else once one is at or below it.
 * @param {{side: string, order_type?: string}} order
 */
export function risesToTrigger({ side, order_type: type }) {
  const takesProfit = type === "take_profit" || type === "take_profit_limit";
  return (side === "buy") !== takesProfit;
}
