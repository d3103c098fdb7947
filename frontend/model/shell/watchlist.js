/**
 * The list of the symbol switcher: what matches, favourites first, each with its last price and change.
 *
 * Layer: model.
 */

/**
 * @typedef {{symbol: string, base: string, quote: string, favourite: boolean, status: string, last: string | null,
 *   change_percent: string | null}} Listed
 */

/**
 * @param {Iterable<import("../types.js").Instrument>} instruments in the venue's order
 * @param {Record<string, {last: string | null, change_percent: string | null}>} tickers by symbol
 * @param {string[]} favourites
 * @param {string} sought every word of it must be in the symbol or be the beginning of one of its assets
 * @returns {Listed[]} favourites first, else in the venue's order
 */
export function watchlist(instruments, tickers, favourites, sought) {
  const words = sought
    .toLowerCase()
    .split(/[\s/,-]+/)
    .filter(Boolean);
  const matches = (/** @type {import("../types.js").Instrument} */ { symbol, base, quote }) =>
    words.every(
      (word) =>
        symbol.toLowerCase().replace("-", "").includes(word) ||
        [base, quote].some((asset) => asset.toLowerCase().startsWith(word)),
    );
  const listed = [...instruments].filter(matches).map(({ symbol, base, quote, status }) => ({
    symbol,
    base,
    quote,
    status,
    favourite: favourites.includes(symbol),
    last: tickers[symbol]?.last ?? null,
    change_percent: tickers[symbol]?.change_percent ?? null,
  }));
  return [...listed.filter(({ favourite }) => favourite), ...listed.filter(({ favourite }) => !favourite)];
}

/** @param {string[]} favourites @param {string} symbol @returns {string[]} with it, or without it if it was there */
export function toggled(favourites, symbol) {
  return favourites.includes(symbol) ? favourites.filter((each) => each !== symbol) : [...favourites, symbol];
}
