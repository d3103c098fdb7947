/**
 * The shapes that travel between server, models and views. Types only; nothing runs here.
 *
 * Units: every price, quantity and amount is a decimal text, exactly as on the wire;
 * `timestamp` is epoch seconds with a fraction; names ending in `_ms` / `Ms` are milliseconds.
 * Wire records keep their wire names (snake_case).
 * Layer: model. No DOM, no network, no clock.
 *
 * @typedef {"buy" | "sell"} Side
 *
 * @typedef {object} Instrument one row of GET /symbols `symbol_info`
 * @property {string} symbol
 * @property {string} base asset that is bought or sold
 * @property {string} quote asset it is paid with
 * @property {string} tick_size least price step, in the quote asset
 * @property {string} lot_size least quantity step, in the base asset
 * @property {number} quote_scale decimals of the quote asset's minor unit
 * @property {string} status "trading", "pre_open", "auction", "halted" or "closed"
 * @property {import("./market/trading-status.js").TradingState} [session] where it stood when it was listed
 * @property {{maker_percent: string, taker_percent: string}} fees in percent of the notional
 * @property {Limits | null} [limits] of one order
 * @property {Rules} [rules] the same for every symbol
 *
 * @typedef {object} Rules of the venue, as the server wrote them into the page; what is left out is not checked here
 * @property {string} [uncollared_percent] how far above its stop price a stop to buy may trade where there is no collar
 * @property {number} [max_slices] how often an iceberg comes up at most
 * @property {string} [max_trail_percent] a trail in percent is less
 *
 * @typedef {object} Limits
 * @property {string} [min_quantity]
 * @property {string} [max_quantity]
 * @property {string} [min_notional]
 * @property {string} [max_notional]
 * @property {string | null} [collar_percent] how far from the market an order may trade; null: as far as it likes
 *
 * @typedef {object} Failure of a request; that of net/http.js is one
 * @property {"no_answer" | "not_accepting" | "refused"} kind
 * @property {number} status of HTTP; 0 when no answer came
 * @property {string} code the venue's name for the reason; "" of none
 * @property {any} [details]
 * @property {string} message a sentence
 * @property {number | null} [retryAfterMs]
 *
 * @typedef {[price: string, quantity: string, orders: number]} WireLevel quantity 0: the level is gone
 *
 * @typedef {object} Level a price level with what stands at it and before it
 * @property {string} price
 * @property {string} quantity
 * @property {number} orders
 * @property {string} cumulative quantity from the best level to this one
 * @property {number} share `cumulative` as a part of the deepest shown level of both sides, 0 to 1; for drawing only
 *
 * @typedef {object} Trade
 * @property {number} timestamp
 * @property {string} symbol
 * @property {string} trade_id
 * @property {string} price
 * @property {string} quantity
 * @property {Side} aggressor_side
 * @property {string} maker_order_id
 * @property {string} taker_order_id
 * @property {boolean} [self_trade] of one account with itself: it is no price
 *
 * @typedef {object} Order
 * @property {string} order_id
 * @property {string | null} client_order_id
 * @property {string} symbol
 * @property {Side} side
 * @property {string} order_type
 * @property {string} quantity
 * @property {string | null} price
 * @property {string} remaining
 * @property {string} filled
 * @property {string} status
 * @property {number} timestamp when it was entered
 * @property {string | null} [average_price] of its fills
 */
export {};
