/**
 * Asking again: what failed for the moment, such as too many requests or no answer, is asked for until it is answered.
 *
 * The pause doubles from failure to failure up to a cap, and is never shorter than the server's Retry-After. What was
 * refused for good, such as by 401, 403, 404 or 422, is not asked again.
 * Layer: net.
 */

import { TOO_MANY_REQUESTS } from "../model/parts/failures.js";

const FIRST_MS = 1_000;
const CAP_MS = 8_000;
/** Pauses are longer by a random part of this share, so that many pages do not come back in one moment. */
const SPREAD = 0.25;

/** Whether asking again may help. @param {any} failure */
export function isTransient({ kind, status }) {
  return kind === "no_answer" || kind === "not_accepting" || status === TOO_MANY_REQUESTS;
}

/**
 * How long to stay away, in ms.
 * @param {any} failure the last one
 * @param {number} failures in a row, from 1
 */
export function pauseMs({ retryAfterMs }, failures) {
  return Math.max(retryAfterMs ?? 0, Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10)));
}

/**
 * Sleep, a little longer than asked; ends at once when `signal` is aborted.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve(undefined);
    };
    const timer = setTimeout(over, ms * (1 + SPREAD * Math.random()));
    signal?.addEventListener("abort", over);
    if (signal?.aborted) over();
  });
}

/**
 * What `ask` answers, asked until it does. Throws what it failed with for good, and once `signal` is aborted the
 * signal's reason: nobody waits for the answer then, and it is not given even if it came.
 * @template Answer
 * @param {() => Promise<Answer>} ask
 * @param {AbortSignal} [signal]
 * @param {(failure: any) => void} [onFailure] called with each failure that is followed by another attempt
 * @param {typeof pause} [rest]
 * @returns {Promise<Answer>}
 */
export async function untilAnswered(ask, signal, onFailure = () => {}, rest = pause) {
  for (let failures = 1; ; failures += 1) {
    signal?.throwIfAborted();
    try {
      const answer = await ask();
      signal?.throwIfAborted();
      return answer;
    } catch (failure) {
      signal?.throwIfAborted();
      if (!isTransient(failure)) throw failure;
      onFailure(failure);
      await rest(pauseMs(failure, failures), signal);
    }
  }
}
