/**
 * Candles folded from trades.
 * Layer: model.
 */

/**
 * @param {{timestamp: number, price: string}[]} trades newest first
 * @param {number} lengthS of a candle
 * @returns {{time: number, open: number, high: number, low: number, close: number}[]} oldest first; floats, for drawing only
 */
export function candlesOf(trades, lengthS) {
  const candles = [];
  for (const trade of [...trades].reverse()) {
    const price = Number(trade.price);
    const time = Math.floor(trade.timestamp / lengthS) * lengthS;
    const last = candles.at(-1);
    if (last?.time === time) {
      last.high = Math.max(last.high, price);
      last.low = Math.min(last.low, price);
      last.close = price;
    } else {
      candles.push({ time, open: price, high: price, low: price, close: price });
    }
  }
  return candles;
}
