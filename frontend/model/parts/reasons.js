/**
 * The texts of reject and cancel reasons, by the venue's own names for them.
 *
 * Written by `python -m tools.reasons` from the venue's table, explain/reasons.py: change it there.
 * What is missing is shown in the venue's own words.
 * Layer: model.
 */

/**
 * Why an order ended with something left: on its own, in a column.
 * @type {Readonly<Record<string, string>>}
 */
export const CANCEL_WORDS = Object.freeze({
  requested: "by you",
  by_operator: "by the operator",
  no_liquidity: "nobody to trade with",
  immediate_or_cancel: "the rest of an IOC",
  fill_or_kill: "could not fill all of it",
  account_stopped: "account stopped",
  amended_below_filled: "amended to what was filled",
  self_trade: "self-trade prevention",
  one_cancels_other: "the other leg came first",
  price_band: "price band",
});

/**
 * Why nothing was filled, as the end of a sentence, where the reason alone says it.
 * @type {Readonly<Record<string, string>>}
 */
export const CANCEL_SENTENCES = Object.freeze({
  self_trade: "it met an order of your own, and self-trade prevention ended it.",
  one_cancels_other: "the other leg came first.",
  price_band: "it could have traded only beyond the price band.",
});

/**
 * Where the page can say more than the server, who doesn't know what is on the screen.
 * @type {Readonly<Record<string, string>>}
 */
export const REJECT_SENTENCES = Object.freeze({
  SYMBOL_NOT_TRADING: "the symbol is not trading, or gathers for an auction: no such order is taken now.",
  ACCOUNT_STOPPED: "this account was stopped by the venue's operator. It takes no orders until it is started again.",
  ORDER_RATE_EXCEEDED: "that is more orders a second than this account may send.",
  SELF_TRADE_PREVENTION_NOT_ALLOWED: "your account may not trade with itself. Choose another way under Self-trade.",
  EXPIRE_TIME_PASSED: "the time it was to end at has passed.",
  BAD_TRIGGER:
    "its prices are on the wrong side of each other, or there was no trade yet that a trailing stop could follow.",
  INSUFFICIENT_FUNDS:
    "there is not enough available to pay for it. What open orders hold can't be spent: cancel some, or deposit.",
  POST_ONLY_WOULD_TAKE: "it would trade at once, and post only forbids that. Move the price, or let it slide.",
  SELF_TRADE: "the first order it would meet is your own. Cancel that one, or choose another self-trade mode.",
  TOO_LATE: "it is done already.",
});
